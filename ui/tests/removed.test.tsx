import { describe, expect, it } from "vitest";
import { expectAccessible, PATIENT, screen, start, within } from "./app";

describe("a removed device", () => {
  it.each([
    ["signed out", {}, 0],
    ["at the counter", { as: "receptionist", at: "/today" }, 1],
    ["before the patient takes it", { as: "receptionist", at: `/consent/${PATIENT}` }, 0],
  ] as const)("says so %s; the clinic's screens are only reached from the clinic's screens", async (_, where, links) => {
    start({ ...where, scene: "removed" });
    const strip = await screen.findByTestId("removed");
    expect(strip.textContent).toContain("This device was removed from the clinic. It shows what it has and saves nothing new.");
    expect(within(strip).queryAllByRole("link")).toHaveLength(links);
    await expectAccessible();
  });

  it("says so in Malay", async () => {
    start({ scene: "removed", language: "ms" });
    expect((await screen.findByTestId("removed")).textContent).toContain("Peranti ini telah dikeluarkan daripada klinik.");
  });
});
