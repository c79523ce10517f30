import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Role } from "@/api";
import { mayOf, ROLES } from "@/lib/may";

/** The table of the backend: verb → roles, read from its source. */
function table(): Map<string, string[]> {
  const rust = readFileSync(join(import.meta.dirname, "../../crates/clinic/src/roles.rs"), "utf8");
  const body = /fn role_may[\s\S]*?match verb \{([\s\S]*?)\n {4}\};/.exec(rust)?.[1] ?? "";
  const found = new Map<string, string[]>();
  for (const [, verbs = "", roles = ""] of body.matchAll(/((?:Verb::\w+[\s|]*)+)=>\s*(?:\{\s*)?&\[([^\]]*)\]/g))
    for (const [, verb = ""] of verbs.matchAll(/Verb::(\w+)/g)) found.set(verb, [...roles.matchAll(/\w+/g)].map(([role]) => role.toLowerCase()).sort());
  return found;
}

describe("what the screens offer", () => {
  it("is what the backend's table of roles allows", () => {
    const rust = table();
    expect(rust.size).toBeGreaterThan(25);
    for (const [verb, roles] of Object.entries(ROLES)) {
      const name = verb.charAt(0).toUpperCase() + verb.slice(1);
      expect([name, [...roles].sort()]).toEqual([name, rust.get(name)]);
    }
  });

  it("follows the backend's word on who practises", () => {
    expect(mayOf({ role: "owner", practises: true }).openVisit).toBe(true);
    expect(mayOf({ role: "owner", practises: false })).toMatchObject({ openVisit: false, seeDispensing: false, grantConsent: false, setQueueState: false, changeDevice: true, seeAudit: true });
    const nobodyElse: Role[] = ["admin", "receptionist", "pharmacist"];
    for (const role of nobodyElse) expect(mayOf({ role, practises: false }).openVisit).toBe(false);
  });
});
