/** What went wrong: a code and parameters; its words are in `locales/<lang>/errors.json`. Never holds patient data. */
export class ApiError extends Error {
  readonly code: string;
  readonly detail: Record<string, string>;

  constructor(code: string, detail: Record<string, string> = {}) {
    super(code);
    this.name = "ApiError";
    this.code = code;
    this.detail = detail;
  }

  static from(e: unknown): ApiError {
    if (e instanceof ApiError) return e;
    if (typeof e === "object" && e !== null && "code" in e) {
      const { code, detail } = e as { code: unknown; detail?: unknown };
      const known = typeof detail === "object" && detail !== null ? (detail as Record<string, string>) : {};
      return new ApiError(String(code), known);
    }
    return new ApiError("internal", { message: e instanceof Error ? e.message : String(e) });
  }

  /** Milliseconds until the next try, when the code is `wrong_pin` or `wait`. */
  get waitMs(): number {
    return Number(this.detail["wait_ms"] ?? 0) || 0;
  }
}
