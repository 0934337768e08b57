// A receipt is proved in the reader's own browser: nothing of the server is believed but the key
// that stands in the receipt, and the log must have grown from what this browser saw before.

interface Receipt {
  act: unknown;
  act_id: number;
  salt: string;
  commitment: string;
  vkey: string;
}
interface Proof {
  status: string;
  position: number;
  size: number;
  hashes: string[];
  checkpoint: string;
}
type Bytes = Uint8Array<ArrayBuffer>;

/** RFC 8785 for what acts hold: strings, integers, booleans, null, lists, objects. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object") {
    const entries = value as Record<string, unknown>;
    const keys = Object.keys(entries).sort();
    return `{${keys.map((k) => `${JSON.stringify(k)}:${canonical(entries[k])}`).join(",")}}`;
  }
  return JSON.stringify(value);
};
const bytes = (base64: string): Bytes => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const join = (...parts: Bytes[]): Bytes => {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
const utf8 = (text: string): Bytes => new Uint8Array(new TextEncoder().encode(text));
const sha256 = async (data: Bytes): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", data));
const hex = (data: Bytes): string => Array.from(data, (b) => b.toString(16).padStart(2, "0")).join("");
const node = (left: Bytes, right: Bytes): Promise<Bytes> => sha256(join(new Uint8Array([1]), left, right));
const same = (a: Bytes, b: Bytes): boolean => hex(a) === hex(b);

/** RFC 9162 §2.1.3.2. */
const included = async (leaf: Bytes, proof: Proof, root: Bytes): Promise<boolean> => {
  let [index, last, hash] = [proof.position, proof.size - 1, leaf];
  for (const sibling of proof.hashes.map(bytes)) {
    if (last === 0) return false;
    if (index % 2 === 1 || index === last) {
      hash = await node(sibling, hash);
      while (index % 2 === 0 && index > 0) {
        index = Math.floor(index / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = await node(hash, sibling);
    }
    index = Math.floor(index / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && same(hash, root);
};

/** RFC 9162 §2.1.4.2. */
const grown = async (
  oldSize: number, newSize: number, oldRoot: Bytes, newRoot: Bytes, path: Bytes[],
): Promise<boolean> => {
  if (oldSize === newSize) return path.length === 0 && same(oldRoot, newRoot);
  let [fn, sn] = [oldSize - 1, newSize - 1];
  const rest = [...path];
  if (Number.isInteger(Math.log2(oldSize))) rest.unshift(oldRoot);
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  const first = rest.shift();
  if (!first) return false;
  let [fr, sr] = [first, first];
  for (const c of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = await node(c, fr);
      sr = await node(c, sr);
      while (fn % 2 === 0 && fn > 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      sr = await node(sr, c);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && same(fr, oldRoot) && same(sr, newRoot);
};

/** Why a step could not be carried out at all, which says nothing against the receipt. */
class Undecided extends Error {
  constructor(readonly kind: "waiting" | "unable" | "offline") {
    super(kind);
  }
}

const fetched = async <T>(address: string): Promise<T> => {
  const response = await fetch(address).catch(() => undefined);
  if (!response || response.status >= 500) throw new Undecided("offline");
  return (await response.json()) as T;
};

const signed = async (checkpoint: string, vkey: string): Promise<boolean> => {
  const [text = "", signatures = ""] = checkpoint.split("\n\n");
  const [name = "", , ...key] = vkey.split("+");
  const raw = bytes(key.join("+")).slice(1);
  const importedKey = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]).catch(() => {
    throw new Undecided("unable");
  });
  for (const line of signatures.trim().split("\n")) {
    const [, signer, signature] = line.split(" ");
    if (signer !== name || !signature) continue;
    const whole = bytes(signature).slice(4);
    if (await crypto.subtle.verify("Ed25519", importedKey, whole, utf8(`${text}\n`))) return true;
  }
  return false;
};

const list = document.querySelector<HTMLElement>("#browser-checks");
const typed = document.querySelector<HTMLTextAreaElement>("#receipt");
const file = document.querySelector<HTMLInputElement>("#receipt-file");

file?.addEventListener("change", async () => {
  const chosen = file.files?.[0];
  if (!chosen || !typed) return;
  typed.value = await chosen.text();
  const name = document.querySelector("#receipt-name");
  if (name) name.textContent = chosen.name;
});

const run = async (receipt: Receipt): Promise<boolean> => {
  const show = (step: string, ok: boolean): boolean => {
    list?.querySelector(`[data-step=${step}]`)?.classList.add(ok ? "ok" : "fails");
    return ok;
  };
  if (!crypto.subtle) throw new Undecided("unable");
  const commitment = await sha256(utf8(canonical({ act: receipt.act, salt: receipt.salt })));
  if (!show("content", hex(commitment) === receipt.commitment)) return false;
  const proof = await fetched<Proof>(`/ledger/proof?act=${encodeURIComponent(receipt.act_id)}`);
  if (proof.status === "pending") throw new Undecided("waiting");
  if (proof.status !== "included") return show("included", false);
  const [origin = "", size = "", rootText = ""] = proof.checkpoint.split("\n");
  const root = bytes(rootText);
  const leaf = await sha256(join(new Uint8Array([0]), commitment));
  const isIn = Number(size) === proof.size && (await included(leaf, proof, root));
  if (!show("included", isIn)) return false;
  if (!show("signed", await signed(proof.checkpoint, receipt.vkey))) return false;
  const memory = `checkpoint:${origin}`;
  const before = JSON.parse(localStorage.getItem(memory) ?? "null") as { size: number; root: string } | null;
  let onlyGrown = true;
  if (before && before.size > 0) {
    const [a, b] = before.size <= proof.size ? [before, { size: proof.size, root: rootText }] : [{ size: proof.size, root: rootText }, before];
    const { hashes } = await fetched<{ hashes: string[] }>(`/ledger/consistency?from=${a.size}&to=${b.size}`);
    onlyGrown = await grown(a.size, b.size, bytes(a.root), bytes(b.root), hashes.map(bytes));
  }
  const step = list?.querySelector<HTMLElement>("[data-step=grown]");
  if (step && !before) step.textContent = step.dataset.first ?? "";
  if (onlyGrown) localStorage.setItem(memory, JSON.stringify({ size: proof.size, root: rootText }));
  return show("grown", onlyGrown);
};

if (list && typed?.value.trim()) {
  list.hidden = false;
  const verdict = document.querySelector<HTMLElement>("#browser-verdict");
  const tell = (kind: "good" | "bad" | Undecided["kind"]): void => {
    if (!verdict) return;
    verdict.hidden = false;
    verdict.className = `notice ${kind === "good" || kind === "bad" ? kind : "warn"}`;
    verdict.textContent = verdict.dataset[kind] ?? "";
  };
  try {
    run(JSON.parse(typed.value) as Receipt).then(
      (ok) => tell(ok ? "good" : "bad"),
      (problem: unknown) => tell(problem instanceof Undecided ? problem.kind : "bad"),
    );
  } catch {
    list.hidden = true;
  }
}
