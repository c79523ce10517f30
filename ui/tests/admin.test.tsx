import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { expectAccessible, fake, screen, start } from "./app";

describe("admin", () => {
  it("adds a member of the staff", async () => {
    const { user } = start({ as: "admin", at: "/admin/staff" });
    await user.type(await screen.findByLabelText("Name with title"), "Dr Tan Wei Ming");
    await user.type(screen.getByLabelText("Registration number"), "MMC 45120");
    await user.click(screen.getByRole("button", { name: "Add" }));
    expect(await screen.findByText("Dr Tan Wei Ming was added.")).toBeTruthy();
    expect(fake.callsOf("addStaff")[0]?.[0]).toEqual({ name: "Dr Tan Wei Ming", role: "doctor", registration: "MMC 45120", pin: null });
  });

  it("offers a pairing code, and says when the device is in", async () => {
    const { user } = start({ as: "admin", at: "/admin/devices" });
    await user.click(await screen.findByRole("button", { name: "Show a code" }));
    expect((await screen.findByTestId("pairing-code")).textContent).toBe("7K3M-Q9TX");
    fake.state.pairing = "done";
    expect(await screen.findByText("The new device belongs to the clinic", {}, { timeout: 10_000 })).toBeTruthy();
  });

  it("saves the settings of this device", async () => {
    const { user } = start({ as: "admin", at: "/admin/settings" });
    const ups = await screen.findByLabelText("Serial port of the UPS");
    await user.type(ups, "/dev/ttyUSB0");
    await user.click(screen.getByRole("button", { name: "Save settings" }));
    await waitFor(() => expect(fake.callsOf("saveDeviceSettings")[0]?.[0]).toMatchObject({ ups: "/dev/ttyUSB0", label_size: "60x50" }));
  });

  it.each(["staff", "devices", "settings", "backup", "plan", "audit"])("is accessible in both languages: %s", async (tab) => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "admin", at: `/admin/${tab}`, language });
      await screen.findByRole("tabpanel");
      await waitFor(() => expect([...document.querySelectorAll("[role=tabpanel]")].map((p) => p.textContent).join("").length).toBeGreaterThan(30));
      await expectAccessible();
      unmount();
    }
  });
});

describe("the status bar", () => {
  it("keeps saved and sent apart, and is calm when offline", async () => {
    const { user } = start({ as: "receptionist", at: "/today", scene: "battery" });
    const sync = await screen.findByRole("button", { name: "Saved here · 3 to send · relay 34 min ago · LAN 1 device" });
    await user.click(sync);
    expect(await screen.findByText(/Everything goes on as usual/)).toBeTruthy();
    expect(sync.getAttribute("data-tone")).toBe("calm");
    expect(screen.getByRole("button", { name: "On battery, heavy work paused" }).getAttribute("data-tone")).toBe("amber");
    expect(screen.getByRole("button", { name: "Did the label come out?" })).toBeTruthy();
  });

  it("follows the backend's events", async () => {
    start({ as: "receptionist", at: "/today" });
    await screen.findByRole("button", { name: "Mains" });
    act(() => fake.tell("statusChanged", { ...fake.state.status, power: { state: "battery", on_battery_since: new Date().toISOString(), load_percent: 30, paused: false } }));
    expect(await screen.findByRole("button", { name: "On battery" })).toBeTruthy();
  });

  it("hides the workspace from the waiting room", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    await user.click(await screen.findByRole("button", { name: "Hide from the waiting room" }));
    await user.click(await screen.findByRole("button", { name: "Hidden. Tap to show." }));
    expect(screen.queryByText("Hidden. Tap to show.")).toBeNull();
  });

  it("switches to the other clinic by one tap", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    await user.click(await screen.findByRole("button", { name: "Klinik Seri Mawar" }));
    await user.click(await screen.findByRole("menuitem", { name: "Klinik Sentosa" }));
    expect(await screen.findByRole("heading", { name: "Klinik Sentosa" })).toBeTruthy();
  });
});
