/**
 * The only door to the backend. Features call `api.*`, which throws `ApiError`; nothing else imports the bindings.
 * When a command is renamed in Rust, this folder and the call sites that TypeScript names are all there is to change.
 */
import { commands, events } from "./bindings.gen";
import { ApiError } from "./errors";

export type * from "./bindings.gen";
export { ApiError } from "./errors";
export { events };

type Answer = { status: "ok"; data: unknown } | { status: "error"; error: unknown };
type Unwrapped<F> = F extends (...args: infer A) => Promise<infer R>
  ? (...args: A) => Promise<R extends { status: "ok"; data: infer T } ? T : R extends { status: "error" } ? never : R>
  : F;
type Api = { [K in keyof typeof commands]: Unwrapped<(typeof commands)[K]> };

const isAnswer = (x: unknown): x is Answer =>
  typeof x === "object" && x !== null && "status" in x && (("data" in x && x.status === "ok") || ("error" in x && x.status === "error"));

function unwrap(command: (...args: unknown[]) => Promise<unknown>) {
  return async (...args: unknown[]) => {
    let answer: unknown;
    try {
      answer = await command(...args);
    } catch (e) {
      throw ApiError.from(e);
    }
    if (!isAnswer(answer)) return answer;
    if (answer.status === "error") throw ApiError.from(answer.error);
    return answer.data;
  };
}

export const api = Object.fromEntries(
  Object.entries(commands).map(([name, command]) => [name, unwrap(command as (...args: unknown[]) => Promise<unknown>)]),
) as unknown as Api;
