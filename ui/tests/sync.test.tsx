import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { relayWords } from "@/components/syncWords";
import { expectAccessible, fake, screen, settled, start, within } from "./app";

const figure = (name: string) => document.querySelector(`[data-figure=${name}]`) as HTMLElement;

describe("the status bar", () => {
  it("says saved, sent, relay and LAN, and leads to Sync in two steps, whoever is signed in", async () => {
    const { user } = start({ as: "pharmacist", at: "/dispense" });
    const bar = await screen.findByRole("button", { name: "Saved here · all sent · relay connected · LAN 1 device" });
    // What an upright tablet shows.
    expect(bar.querySelector("[data-length=short]")?.textContent).toBe("Saved here · LAN 1");
    await user.click(bar);
    await user.click(await screen.findByRole("button", { name: "Open Sync" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Sync" })).toBeTruthy();
  });

  it.each([
    ["connected", {}, "Saved here · all sent · relay connected · LAN 1 device"],
    ["never reached", { connected: false, last_contact: null, pending: 2 }, "Saved here · 2 to send · relay not reached yet · LAN 1 device"],
    ["sound on its way", { sound_pending: 1 }, "Saved here · sound of 1 recording to send · relay connected · LAN 1 device"],
    ["entries and sound", { pending: 2, sound_pending: 3 }, "Saved here · 2 to send, sound of 3 recordings to send · relay connected · LAN 1 device"],
    ["nobody nearby", { peers: [] }, "Saved here · all sent · relay connected"],
    ["LAN failed", { lan: { state: "failed", code: "no_port" }, peers: [] }, "Saved here · all sent · relay connected · LAN failed"],
    ["put aside", { quarantined: 13 }, "Saved here · all sent · relay connected · LAN 1 device · 13 put aside"],
    ["to decide", { conflicts: 2 }, "Saved here · all sent · relay connected · LAN 1 device · 2 to decide"],
    ["a relay found out", { relay_lie: "forgot" }, "Saved here · all sent · relay connected · LAN 1 device · relay not to be trusted"],
    ["a new device that reads", { to_be_read: 15_000, n_changes: 60_000 }, "Saved here · all sent · relay connected · LAN 1 device · reading, 75 %"],
    ["alone", { has_relay: false, connected: false, peers: [] }, "Saved here"],
  ] as const)("%s", async (_, change, words) => {
    start({ as: "receptionist", at: "/today", before: () => void Object.assign(fake.state.status.sync, change) });
    const bar = await screen.findByRole("button", { name: words });
    expect(bar.getAttribute("data-tone")).toBe("quarantined" in change || "conflicts" in change || "relay_lie" in change ? "amber" : "calm");
  });

  it("speaks Malay", async () => {
    const { unmount } = start({ as: "receptionist", at: "/today", language: "ms", scene: "battery" });
    expect(await screen.findByRole("button", { name: "Disimpan di sini · 3 belum dihantar · geganti 34 min lalu · LAN 1 peranti" })).toBeTruthy();
    unmount();
    start({ as: "receptionist", at: "/today", language: "ms", before: () => void (fake.state.status.sync.sound_pending = 2) });
    expect(await screen.findByRole("button", { name: "Disimpan di sini · bunyi 2 rakaman belum dihantar · geganti bersambung · LAN 1 peranti" })).toBeTruthy();
  });

  it("shows a backup that was not made, and leads who may there", async () => {
    const { user, unmount } = start({ as: "admin", at: "/admin/staff", scene: "no-backup" });
    await user.click(await screen.findByRole("button", { name: "No backup" }));
    expect(await screen.findByText("The backup folder is not there")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Open Backup" }));
    expect(await screen.findByTestId("backup-folder")).toBeTruthy();
    unmount();
    const other = start({ as: "receptionist", at: "/today", scene: "no-backup" });
    await other.user.click(await screen.findByRole("button", { name: "No backup" }));
    await screen.findByText("The backup folder is not there");
    expect(screen.queryByRole("button", { name: "Open Backup" })).toBeNull();
  });
});

describe("the screen Sync", () => {
  it("says that sound waits, and what that means; on a removed device, that nobody takes it", async () => {
    const waits = () => void Object.assign(fake.state.status.sync, { pending: 0, sound_pending: 2 });
    const { unmount } = start({ as: "doctor", at: "/sync", before: waits });
    expect(await screen.findByText(/Sound goes last/)).toBeTruthy();
    expect(figure("pending").textContent).toContain("sound of 2 recordings");
    expect(figure("pending").textContent).not.toContain("all sent");
    unmount();
    start({ as: "doctor", at: "/sync", scene: "removed", before: waits });
    expect(await screen.findByText(/Nobody takes sound from this device any more/)).toBeTruthy();
  });

  it("names each figure with what it means", async () => {
    start({ as: "receptionist", at: "/sync", scene: "lan-only" });
    await screen.findByText("The relay cannot be reached.");
    expect(figure("pending").textContent).toContain("3 entries");
    expect(figure("pending").textContent).toContain("Sent by itself");
    expect(figure("relay").textContent).toContain("not reached yet");
    expect(figure("relay").textContent).toContain("Off-line is no fault");
    expect(document.querySelector("[data-relay-error]")?.getAttribute("data-relay-error")).toBe("unreachable");
    expect(figure("aside").textContent).toContain("nothing");
    expect(figure("conflicts")).toBeTruthy();
    expect(figure("conflicts").textContent).toContain("nothing");
    expect(figure("missing").textContent).toContain("nothing");
    // Whose role does not see what was put aside is not asked for it.
    expect(fake.callsOf("quarantined")).toHaveLength(0);
  });

  it("leads owners and admins to what was put aside, and tells others whom to ask", async () => {
    const { user, unmount } = start({ as: "owner", at: "/sync", scene: "put-aside" });
    await user.click(await screen.findByRole("button", { name: "Review" }));
    expect(await screen.findByText("Work that came after a removal")).toBeTruthy();
    unmount();
    start({ as: "pharmacist", at: "/sync", scene: "put-aside" });
    await screen.findByText(/Ask an owner or administrator/);
    expect(figure("aside").getAttribute("data-tone")).toBe("amber");
    expect(screen.queryByRole("button", { name: "Review" })).toBeNull();
  });

  it("says how much of what has come is still to be read, and what can be used already", async () => {
    start({ as: "receptionist", at: "/sync", before: () => void Object.assign(fake.state.status.sync, { to_be_read: 1, n_changes: 60_000 }) });
    const bar = await screen.findByRole("progressbar", { name: "What has come is read into the record" });
    expect(bar.getAttribute("aria-valuenow")).toBe("99");
    expect(figure("reading").textContent).toContain("59,999 of 60,000 entries");
    expect(figure("reading").textContent).toContain("Today's queue and search are read first");
    await expectAccessible();
  });

  it("says how the relay was found out and what to do, also by a name of a newer build", async () => {
    const { unmount } = start({ as: "receptionist", at: "/sync", before: () => void (fake.state.status.sync.relay_lie = "two_faces") });
    expect((await screen.findByRole("alert")).textContent).toContain("The relay shows devices different things.");
    unmount();
    start({ as: "receptionist", at: "/sync", language: "ms", before: () => void (fake.state.status.sync.relay_lie = "something_new") });
    expect((await screen.findByRole("alert")).textContent).toContain("Hubungi pengendali rangkaian anda");
  });

  it("says that something is not shown because another has its id, and whom to call", async () => {
    const { unmount } = start({ as: "owner", at: "/sync" });
    await settled();
    expect(figure("twice")).toBeNull();
    unmount();
    start({ as: "owner", at: "/sync", before: () => void (fake.state.status.sync.claimed_twice = 2) });
    await screen.findByText("2 entries under ids that others have");
    expect(figure("twice").textContent).toContain("call the operator of your network");
    await expectAccessible();
  });

  it("names the devices of which earlier changes are missing, and what brings them", async () => {
    start({ as: "receptionist", at: "/sync", before: () => void (fake.state.status.sync.missing = [{ device: "C", holes: 2 }, { device: "", holes: 1 }]) });
    await screen.findByText("device C: 2 gaps, a device not known here: 1 gap");
    expect(figure("missing").textContent).toContain("Switch it on");
    expect(figure("missing").getAttribute("data-tone")).toBe("amber");
  });

  it("says of each other device when it was last heard, nearby or by its work", async () => {
    start({ as: "receptionist", at: "/sync" });
    await screen.findByText("Dr Aisyah's tablet (B)");
    const contact = (letter: string) => document.querySelector(`[data-contact=${letter}]`)?.textContent ?? "";
    expect(contact("B")).toContain("connected now");
    expect(contact("C")).toContain("Device C");
    expect(contact("C")).toContain("last met nearby 7 h ago");
    expect(contact("C")).toContain("newest work here");
  });

  it("counts what waits for changes that were put aside", async () => {
    start({ as: "owner", at: "/sync", scene: "put-aside" });
    await waitFor(() => expect(figure("missing")?.textContent).toContain("4 changes wait"));
  });

  it("follows the backend", async () => {
    start({ as: "doctor", at: "/sync" });
    await screen.findByText("all sent");
    act(() => fake.tell("statusChanged", { ...fake.state.status, sync: { ...fake.state.status.sync, pending: 1, connected: false, error: "wrong_key" } }));
    expect(await screen.findByText("1 entry")).toBeTruthy();
    expect(screen.getByText("This is not the clinic's relay.")).toBeTruthy();
  });

  it("has words for whatever the relay says", () => {
    for (const code of ["removed", "same_device", "relay_behind", "version", "unknown_device", "disk_full", "lost"]) expect(relayWords(code).title).not.toBe("The relay refused");
    for (const code of ["bad_statements", "refused", "of_a_newer_build"]) expect(relayWords(code).title).toBe("The relay refused");
  });

  it.each(["clinic", "lan-only", "put-aside", "removed"])("is accessible in both languages: %s", async (scene) => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "owner", at: "/sync", scene, language });
      await screen.findByRole("switch");
      await settled();
      await expectAccessible();
      unmount();
    }
  });
});

describe("the devices nearby", () => {
  it("shows who is there, who is away, and that nobody can call", async () => {
    start({ as: "receptionist", at: "/sync", scene: "lan-only" });
    expect(await screen.findByText(/LAN failed: no other device can call this one/)).toBeTruthy();
    const peer = (letter: string) => document.querySelector(`[data-peer=${letter}]`);
    expect(peer("B")?.getAttribute("data-state")).toBe("exchanging");
    expect(peer("C")?.getAttribute("data-state")).toBe("away");
    expect(peer("C")?.textContent).toContain("away, last heard 7 min ago");
  });

  it("is switched off and on by an admin, and by nobody else", async () => {
    const { user, unmount } = start({ as: "admin", at: "/sync" });
    const lan = await screen.findByRole<HTMLInputElement>("switch", { name: "Stay equal with the devices nearby" });
    await waitFor(() => expect(lan.checked).toBe(true));
    await user.click(lan);
    await waitFor(() => expect(fake.callsOf("saveDeviceSettings")[0]?.[0]).toMatchObject({ lan_enabled: false, printer: "tcp://192.168.1.60:9100" }));
    expect(await screen.findByText(/^Switched off/)).toBeTruthy();
    await waitFor(() => expect(lan.disabled).toBe(false));
    await user.click(lan);
    expect(await screen.findByText(/Other devices can call this one \(port 47800\)/)).toBeTruthy();
    unmount();
    start({ as: "doctor", at: "/sync" });
    expect((await screen.findByRole<HTMLInputElement>("switch")).disabled).toBe(true);
    expect(screen.queryByLabelText("Address of another device")).toBeNull();
  });

  it("takes typed addresses, keeps what was typed when one cannot be, and removes them", async () => {
    const { user } = start({ as: "owner", at: "/sync", scene: "lan-only" });
    const field = await screen.findByLabelText<HTMLInputElement>("Address of another device");
    await user.type(field, "counter local{Enter}");
    expect((await screen.findByRole("alert")).textContent).toContain("Please look again: address of another device");
    expect(field.value).toBe("counter local");
    await user.clear(field);
    await user.type(field, "counter.local:47800");
    await user.click(screen.getByRole("button", { name: "Add" }));
    const list = screen.getByTestId("lan-addresses");
    expect(await within(list).findByText("counter.local:47800")).toBeTruthy();
    await waitFor(() => expect(field.value).toBe(""));
    await user.click(screen.getByRole("button", { name: "Remove 192.168.1.20" }));
    await waitFor(() => expect(within(list).queryByText("192.168.1.20")).toBeNull());
    expect(fake.state.settings.lan_addresses).toEqual(["counter.local:47800"]);
  });
});

describe("a removed device", () => {
  it("says so above every screen, and what to do with what it could not send", async () => {
    const { user } = start({ as: "receptionist", at: "/today", scene: "removed" });
    expect((await screen.findByTestId("removed")).textContent).toContain("This device was removed from the clinic. It shows what it has and saves nothing new.");
    expect(screen.getByRole("button", { name: /^Removed from the clinic · 12 to send/ }).getAttribute("data-tone")).toBe("red");
    await user.click(screen.getByRole("link", { name: "What to do" }));
    const panel = within(await screen.findByTestId("device-removed"));
    expect(panel.getByText(/12 entries of it were never sent/)).toBeTruthy();
    await user.click(panel.getByRole("button", { name: "Save what was not sent…" }));
    expect(await panel.findByText("12 entries are in the file now.")).toBeTruthy();
    expect(fake.callsOf("saveUnsent")[0]).toEqual(["/media/usb/medieco.unsent"]);
    expect(screen.getByText("The relay says: this device was removed.")).toBeTruthy();
  });

  it("offers no file when all had been sent", async () => {
    start({ as: "doctor", at: "/sync", scene: "removed", before: () => void (fake.state.status.sync.pending = 0) });
    await screen.findByText("Everything that was written on it had been sent.");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Save what was not sent…" }).disabled).toBe(true);
  });
});
