// A field to sign in with finger, pen or mouse; without a script the typed name is the signature.
const LINE_PX = 2.5;

function draws(pad: HTMLElement): void {
  const canvas = pad.querySelector("canvas");
  const field = pad.querySelector<HTMLInputElement>("input[type=hidden]");
  const pen = canvas?.getContext("2d");
  if (!canvas || !field || !pen) return;
  pad.hidden = false;
  const scale = Math.max(1, devicePixelRatio);
  canvas.width = Math.round(canvas.clientWidth * scale);
  canvas.height = Math.round(canvas.clientHeight * scale);

  function clear(): void {
    if (!canvas || !field || !pen) return;
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    field.value = "";
  }

  const kept = field.value;
  clear();
  if (kept.startsWith("data:image/png")) {
    const before = new Image();
    before.addEventListener("load", () => {
      pen.drawImage(before, 0, 0, canvas.width, canvas.height);
      field.value = kept;
    });
    before.src = kept;
  }
  pen.strokeStyle = "#111";
  pen.lineWidth = LINE_PX * scale;
  pen.lineCap = pen.lineJoin = "round";

  const at = (event: PointerEvent): [number, number] => [event.offsetX * scale, event.offsetY * scale];
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  canvas.addEventListener("pointerup", () => {
    field.value = canvas.toDataURL("image/png");
  });
  pad.querySelector("button")?.addEventListener("click", clear);
}

export function signatures(): void {
  document.querySelectorAll<HTMLElement>("[data-signature]").forEach(draws);
}
