import { describe, expect, it } from "vitest";
import { makeAppRouter } from "@/app/routes";
import { expectOnePage, fake, id, PATIENT, screen, start, VISIT } from "./app";

const GRANT = "9f3a".repeat(8);
const SOMETHING: Record<string, string> = { $patient: PATIENT, $visit: VISIT, $grant: GRANT, $tab: "devices" };
const NOTHING: Record<string, string> = { $patient: id(999, 3), $visit: id(999, 4), $grant: "00".repeat(32), $tab: "devices" };

/** Every path of the router: a new route is looked at without being named here. */
function routes(): string[] {
  fake.reset();
  fake.signInAs("owner");
  const session = fake.state.session;
  if (!session) throw new Error("nobody is signed in");
  return Object.keys(makeAppRouter(session, "/today").routesByPath);
}

const filled = (path: string, by: Record<string, string>) => path.replaceAll(/\$\w+/g, (name) => by[name] ?? "");

describe("every routed page has one main part and one title", () => {
  it("knows the routes", () => {
    expect(routes().length).toBeGreaterThan(10);
  });

  it.each(routes())("%s", async (path) => {
    start({ as: "owner", at: filled(path, SOMETHING) });
    await expectOnePage();
  });

  it.each(routes().filter((path) => /\$(patient|visit|grant)/.test(path)))("%s of what is not there", async (path) => {
    start({ as: "owner", at: filled(path, NOTHING) });
    await screen.findByRole("heading", { level: 1 });
    await screen.findByRole("alert");
    await expectOnePage();
  });

  it.each(["removed", "put-aside", "lan-only"])("syncing: %s", async (scene) => {
    start({ as: "owner", at: "/sync", scene });
    await expectOnePage();
  });

  it.each(["devices", "settings", "backup", "audit"])("admin: %s", async (tab) => {
    start({ as: "owner", at: `/admin/${tab}`, scene: "put-aside" });
    await expectOnePage();
  });

  it("the queue with a patient chosen", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    await user.click(await screen.findByText("TAN SIEW LING"));
    await screen.findByRole("button", { name: "Patient" });
    await expectOnePage();
  });
});

describe("so has everything before the workspace", () => {
  it.each(["clinic", "locked-clinic", "making-ready", "first-start", "kit", "model"])("%s", async (scene) => {
    start({ scene });
    await expectOnePage();
  });

  it("a backend that does not answer", async () => {
    start({ before: () => fake.failNext("appState", "store_damaged") });
    await screen.findByRole("alert");
    await expectOnePage();
  });
});
