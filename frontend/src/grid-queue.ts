// What a grid worker writes down is kept in the browser until the city has it: each item once, under the
// key made when it was written, and only in the name of whoever wrote it. Used by the page and by the
// service worker; neither touches the other's work (one lock), and the server counts a key once in any case.

export type State = "waiting" | "sending" | "refused" | "sent";
export interface Item {
  key: string;
  person: string;
  kind: "report" | "check";
  /** When it was written down, ISO 8601. */
  at: string;
  language: string;
  /** What lists call it. */
  label: string;
  fields: Record<string, string>;
  photos: Blob[];
  state: State;
  /** Why it was refused, or what was made of it. */
  said?: string;
  url?: string;
}
export interface Stop {
  entry?: number;
  case?: string;
  label: string;
  kind: string;
  address?: string;
  late: boolean;
  reasons: string[];
}
export interface Round {
  person: string;
  day: string;
  cells: string[];
  done: number;
  stops: Stop[];
}
export type Outcome = "done" | "offline" | "signed-out" | "busy";

const NAME = "gongzhi-grid";
const SEND = "/desk/grid/send/";
const PATIENCE_MS = 90_000;
const KEEP_SENT_MS = 24 * 3_600_000;

let opened: Promise<IDBDatabase> | undefined;
const database = (): Promise<IDBDatabase> => {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("items", { keyPath: "key" });
      asked.result.createObjectStore("rounds", { keyPath: "person" });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("indexedDB"));
  });
  return opened;
};

/** Run `work` on a store and wait until it is on the disk. */
const within = async <T>(store: "items" | "rounds", mode: IDBTransactionMode, work: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
  const transaction = (await database()).transaction(store, mode);
  const asked = work(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onerror = () => reject(transaction.error ?? new Error("indexedDB"));
    transaction.onabort = () => reject(transaction.error ?? new Error("indexedDB"));
  });
};

export const keep = (item: Item): Promise<unknown> => within("items", "readwrite", (s) => s.put(item));
export const drop = (key: string): Promise<unknown> => within("items", "readwrite", (s) => s.delete(key));

/** Everything that one person wrote down on this phone, the oldest first; what was sent long ago leaves. */
export const itemsOf = async (person: string): Promise<Item[]> => {
  const all = (await within("items", "readonly", (s) => s.getAll() as IDBRequest<Item[]>)).filter((i) => i.person === person);
  const old = all.filter((i) => i.state === "sent" && Date.now() - Date.parse(i.at) > KEEP_SENT_MS);
  for (const item of old) await drop(item.key);
  return all.filter((i) => !old.includes(i)).sort((a, b) => a.at.localeCompare(b.at));
};

/** Keep today's round for when there is no connection; those of other people leave the phone. */
export const keepRound = async (round: Round): Promise<void> => {
  await within("rounds", "readwrite", (s) => s.clear());
  await within("rounds", "readwrite", (s) => s.put(round));
};
export const roundOf = (person: string): Promise<Round | undefined> =>
  within("rounds", "readonly", (s) => s.get(person) as IDBRequest<Round | undefined>);
export const forgetRounds = (): Promise<unknown> => within("rounds", "readwrite", (s) => s.clear());

const formOf = (item: Item): FormData => {
  const form = new FormData();
  for (const [name, value] of Object.entries(item.fields)) form.set(name, value);
  for (const name of ["key", "person", "at", "language"] as const) form.set(name, item[name]);
  item.photos.forEach((photo, n) => form.append("photos", photo, `${n + 1}.jpg`));
  return form;
};

interface Problem {
  title?: string;
  detail?: string;
  errors?: Record<string, string>;
}
const sentence = (problem: Problem): string =>
  [problem.detail ?? problem.title ?? "", ...Object.values(problem.errors ?? {})].filter(Boolean).join(" ");

/** Send one item; what the answer says of it is kept with it. Null: the connection or the server failed. */
const send = async (item: Item, csrf: string): Promise<Outcome | null> => {
  let answer: Response;
  try {
    answer = await fetch(`${SEND}${item.kind}`, {
      method: "POST", body: formOf(item), headers: { "X-CSRFToken": csrf }, redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    return null;
  }
  if (answer.status === 401 || answer.status === 409 || answer.type === "opaqueredirect") return "signed-out";
  if (answer.status === 408 || answer.status === 429 || answer.status >= 500) return null;
  const body = (await answer.json().catch(() => ({}))) as Problem & { said?: string; url?: string };
  if (answer.ok) await keep({ ...item, state: "sent", photos: [], said: body.said ?? "", url: body.url ?? "" });
  else await keep({ ...item, state: "refused", said: sentence(body) });
  return "done";
};

const attempt = async (changed: () => void): Promise<Outcome> => {
  for (;;) {
    const me = await fetch(`${SEND}me`, { redirect: "manual", cache: "no-store" }).catch(() => null);
    if (!me || me.status >= 500) return "offline";
    if (!me.ok) return "signed-out";
    const { person, csrf } = (await me.json()) as { person: number; csrf: string };
    const items = await itemsOf(String(person));
    const next = items.filter((i) => i.state === "waiting" || i.state === "sending");
    if (next.length === 0) return "done";
    for (const item of next) {
      await keep({ ...item, state: "sending" });
      changed();
      const outcome = await send(item, csrf);
      if (outcome !== "done") {
        await keep({ ...item, state: "waiting" });
        changed();
        return outcome ?? "offline";
      }
      changed();
    }
  }
};

/** Send whatever waits and belongs to whoever is signed in; `changed` is called after every step. */
export const sendAll = async (changed: () => void): Promise<Outcome> =>
  await navigator.locks.request("gongzhi-grid-send", { ifAvailable: true }, async (lock): Promise<Outcome> =>
    lock ? attempt(changed) : "busy",
  );
