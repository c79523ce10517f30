import { describe, expect, it } from "vitest";
import { relayWords } from "@/components/syncWords";
import { expectAccessible, fake, screen, start, within } from "./app";

const limit = (of: string) => document.querySelector(`[data-limit=${of}]`) as HTMLElement;

describe("a clinic that its operator has suspended", () => {
  it("is told so in the bar in words, and on the page what goes on, what waits and whom to call", async () => {
    const { user } = start({ as: "owner", at: "/sync", scene: "suspended" });
    const bar = await screen.findByRole("button", { name: "Saved here · 4 to send · relay 30 min ago · LAN 1 device · network access suspended" });
    expect(bar.getAttribute("data-tone")).toBe("amber");
    expect(bar.querySelector("[data-length=short]")?.textContent).toContain("network access suspended");
    const panel = await screen.findByTestId("clinic-suspended");
    expect(panel.textContent).toContain("Everything goes on working here");
    expect(panel.textContent).toContain("Nothing is sent or received until the operator lifts it.");
    expect(panel.textContent).toContain("Call the operator of your network.");
    await expectAccessible();
    await user.click(within(panel).getByRole("button", { name: "See the plan" }));
    expect((await screen.findByRole("status")).textContent).toContain("suspended by the operator");
  });

  it("says it in Malay, and to whoever works there", async () => {
    start({ as: "pharmacist", at: "/sync", scene: "suspended", language: "ms" });
    const panel = await screen.findByTestId("clinic-suspended");
    expect(panel.textContent).toContain("Akses rangkaian klinik ini digantung oleh pengendali");
    // The plan is for owners and administrators.
    expect(within(panel).queryByRole("button")).toBeNull();
    await expectAccessible();
  });

  it("is back to what it was when the relay answers again", async () => {
    start({ as: "owner", at: "/sync" });
    await screen.findByRole("button", { name: "Saved here · all sent · relay connected · LAN 1 device" });
    expect(screen.queryByTestId("clinic-suspended")).toBeNull();
  });

  it("has words of its own for what the relay refuses", () => {
    expect(relayWords("suspended").title).toBe("This clinic's network access is suspended");
    expect(relayWords("device_limit").title).toBe("The plan has no place for this device");
    expect(relayWords("device_limit").help).not.toContain("code");
  });
});

describe("the plan", () => {
  it("shows each limit with what is used, by whom and when it was counted", async () => {
    start({ as: "admin", at: "/admin/plan" });
    await screen.findByRole("heading", { name: "Klinik kecil" });
    expect(limit("devices").textContent).toContain("3 of 10");
    expect(limit("bytes").textContent).toContain("1.4 GB of 10 GB");
    expect(limit("requests").textContent).toContain("84,210, no limit");
    expect(within(limit("requests")).queryByRole("progressbar")).toBeNull();
    expect(within(limit("devices")).getByRole("progressbar").getAttribute("aria-valuenow")).toBe("30");
    expect(screen.getByText(/counted by relay\.rangkaian\.example/)).toBeTruthy();
    expect(screen.queryByRole("status", { name: "" })?.textContent ?? "").not.toContain("ended");
    await expectAccessible();
  });

  it("says what is nearly used up, what is, and what that means", async () => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "owner", at: "/admin/plan", scene: "plan-full", language });
      await screen.findByRole("heading", { name: "Klinik kecil" });
      expect([limit("devices"), limit("bytes"), limit("staff")].map((one) => one.dataset.level)).toEqual(["near", "full", "fine"]);
      expect(within(limit("bytes")).getByRole("progressbar").getAttribute("aria-valuenow")).toBe("100");
      expect(within(limit("staff")).queryByRole("progressbar")).toBeNull();
      if (language === "en") {
        expect(limit("devices").textContent).toContain("nearly used up");
        expect(limit("staff").textContent).toContain("not known of 20");
        expect(screen.getByText(/The trial ended/)).toBeTruthy();
        expect(screen.getByText(/No further device is served/)).toBeTruthy();
        expect(screen.getByText(/takes no more sound/)).toBeTruthy();
      }
      await expectAccessible();
      unmount();
    }
  });

  it("says so where there is no relay, or it has not said anything", async () => {
    const { unmount } = start({ as: "admin", at: "/admin/plan", before: () => void (fake.state.plan = { ...fake.state.plan, usage: null }) });
    expect(await screen.findByText("The relay has not said yet")).toBeTruthy();
    unmount();
    start({ as: "admin", at: "/admin/plan", before: () => void (fake.state.plan = { ...fake.state.plan, relay: null, usage: null }) });
    expect(await screen.findByText("No network")).toBeTruthy();
    await expectAccessible();
  });

  it("leads to the clinic's devices and to the audit", async () => {
    const { user } = start({ as: "admin", at: "/admin/plan" });
    await user.click(await screen.findByRole("button", { name: "3 devices of the clinic" }));
    expect(await screen.findByRole("heading", { name: "Devices of the clinic" })).toBeTruthy();
  });

  it("is named where another device finds no place in it, or the clinic is suspended", async () => {
    for (const [state, title] of [["no_place", "The plan has no place for another device"], ["suspended", "This clinic's network access is suspended"]] as const) {
      const { user, unmount } = start({ as: "admin", at: "/admin/devices" });
      await user.click(await screen.findByRole("button", { name: "Show a code" }));
      await screen.findByTestId("pairing-code");
      fake.state.pairing = state;
      expect(await screen.findByText(title, {}, { timeout: 10_000 })).toBeTruthy();
      expect(screen.getByTestId("pairing").textContent).toContain("operator of your network");
      unmount();
    }
  });
});
