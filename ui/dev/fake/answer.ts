/** How a command answers, and the ids and moments of the made-up clinic. */
import type * as b from "../../src/api/bindings.gen";

export type Result<T> = { status: "ok"; data: T } | { status: "error"; error: { code: b.ErrorCode; detail: Record<string, string> } };
export const ok = <T>(value: T): Promise<Result<T>> => Promise.resolve({ status: "ok", data: structuredClone(value) });
export const no = (code: b.ErrorCode, detail: Record<string, string> = {}): Promise<Result<never>> =>
  Promise.resolve({ status: "error", error: { code, detail } });

export const MINUTE = 60_000;
export const at = (minutesAgo: number) => new Date(Date.now() - minutesAgo * MINUTE).toISOString();
export const id = (n: number, kind = 1) => `0199${String(kind).padStart(4, "0")}-0000-7000-8000-${String(n).padStart(12, "0")}`;

export const TENANT_A = "a3".repeat(32);
export const TENANT_B = "b2".repeat(32);
