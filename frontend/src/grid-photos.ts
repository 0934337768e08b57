// Photos are made as large as the city keeps them before they are stored on the phone: fewer bytes wait and travel.

const LONGEST_SIDE = 2560;
const QUALITY = 0.85;

/** The photo as a JPEG that is upright and not larger than is kept; as it is where the browser cannot read it. */
export const shrunk = async (file: File): Promise<Blob> => {
  if (!file.type.startsWith("image/")) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const share = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * share);
    canvas.height = Math.round(picture.height * share);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const smaller = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    return smaller && (smaller.size < file.size || share < 1) ? smaller : file;
  } catch {
    return file;
  }
};
