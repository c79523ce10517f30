import { waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { enterPin, expectAccessible, fake, PATIENT, screen, start, within } from "./app";

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

  it("begins anew: what was not sent into a file, then the PIN, and the clinic is left", async () => {
    const { user } = start({ as: "owner", at: "/sync", scene: "removed" });
    await user.click(await screen.findByRole("button", { name: "Begin anew…" }));
    await screen.findByRole("dialog", { name: "Begin anew on this device" });
    await enterPin(user, Object.values(fake.state.pins)[fake.state.faces.findIndex((f) => f.role === "owner")] ?? "");
    await user.click(screen.getByRole("button", { name: "Set aside and begin anew" }));
    await waitFor(() => expect(fake.callsOf("beginAnew")[0]?.[0]).toBe("/media/usb/medieco.unsent"));
    await waitFor(() => expect(document.querySelector("[data-screen=choose-clinic]")).toBeTruthy());
  });

  it("lets go of the clinic: whoever works on it, what was not sent into a file, then the PIN", async () => {
    const { user } = start({ as: "receptionist", at: "/sync", scene: "removed", before: () => void (fake.state.status.sync.sound_pending = 2) });
    await user.click(await screen.findByRole("button", { name: "Take the clinic off this device…" }));
    const asked = await screen.findByRole("dialog", { name: "Take the clinic off this device" });
    expect(asked.textContent).toContain("the file with the entries not sent");
    expect(asked.textContent).toContain("2 recordings whose sound was never sent are lost.");
    await expectAccessible(asked.querySelector(".mantine-Modal-body") as Element);
    await enterPin(user, Object.values(fake.state.pins)[fake.state.faces.findIndex((f) => f.role === "receptionist")] ?? "");
    await user.click(screen.getByRole("button", { name: "Take it off" }));
    await waitFor(() => expect(fake.callsOf("leaveClinic")[0]?.[0]).toBe("/media/usb/medieco.unsent"));
    await waitFor(() => expect(document.querySelector("[data-screen=choose-clinic]")).toBeTruthy());
  });

  it("says so in Malay", async () => {
    start({ scene: "removed", language: "ms" });
    expect((await screen.findByTestId("removed")).textContent).toContain("Peranti ini telah dikeluarkan daripada klinik.");
  });
});

describe("a device whose store is a copy", () => {
  it("says what works and what does not, and offers the way out to whom it is open", async () => {
    const { unmount } = start({ as: "owner", at: "/sync", scene: "copy" });
    expect((await screen.findByTestId("copy")).textContent).toContain("gives no tokens");
    expect((await screen.findByRole("button", { name: /^Saved here · .*store is a copy/ })).getAttribute("data-tone")).toBe("red");
    const panel = within(await screen.findByTestId("device-copy"));
    expect(panel.getByRole("button", { name: "Begin anew…" })).toBeTruthy();
    await expectAccessible();
    unmount();
    start({ as: "receptionist", at: "/sync", scene: "copy", language: "ms" });
    const other = within(await screen.findByTestId("device-copy"));
    expect(other.getByText("Minta pemilik atau pentadbir memulakan semula pada peranti ini.")).toBeTruthy();
    expect(other.queryByRole("button")).toBeNull();
    await expectAccessible();
  });
});

describe("a device whose store is damaged", () => {
  it.each([
    ["en", "close MediEco here, and restore this device from a backup"],
    ["ms", "tutup MediEco di sini, dan pulihkan peranti ini daripada sandaran"],
  ] as const)("says above every screen what to do (%s)", async (language, help) => {
    start({ as: "receptionist", at: "/today", scene: "damaged", language });
    const strip = await screen.findByTestId("damaged");
    expect(strip.textContent).toContain(help);
    expect(within(strip).queryAllByRole("link")).toHaveLength(0);
    await expectAccessible();
  });
});
