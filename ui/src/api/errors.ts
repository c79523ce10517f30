/** What went wrong, as a code; its words are in `locales/<lang>/errors.json`. Never holds patient data. */
export class ApiError extends Error {
  readonly code: string;
  readonly detail: string;

  constructor(code: string, detail = "") {
    super(code);
    this.name = "ApiError";
    this.code = code;
    this.detail = detail;
  }

  static from(e: unknown): ApiError {
    if (e instanceof ApiError) return e;
    if (typeof e === "object" && e !== null && "code" in e) {
      const { code, detail } = e as { code: unknown; detail?: unknown };
      const text = typeof detail === "string" ? detail : detail == null ? "" : JSON.stringify(detail);
      return new ApiError(String(code), text);
    }
    return new ApiError("internal", e instanceof Error ? e.message : String(e));
  }

  /** Milliseconds until the next try, when the code is `wrong_pin` or `wait`. */
  get waitMs(): number {
    try {
      const parsed: unknown = JSON.parse(this.detail);
      if (typeof parsed === "number") return parsed;
      if (typeof parsed === "object" && parsed !== null && "wait_ms" in parsed) return Number(parsed.wait_ms) || 0;
    } catch {
      // not JSON: look for the figure below
    }
    return Number(/\d+/.exec(this.detail)?.[0] ?? 0);
  }
}
