import { waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { WORDS } from "@dev/people";
import { enterPin, expectAccessible, fake, screen, settled, start, within } from "./app";

const ADMIN_PIN = "102938";
const B = "0b".repeat(32);
const KIT = WORDS.join(" ");
const row = (letter: string) => within(document.querySelector(`[data-device=${letter}]`) as HTMLElement);
const begin = async (scene = "clinic", as: "admin" | "owner" = "admin") => {
  const { user } = start({ as, at: "/admin/devices", scene });
  await screen.findByRole("heading", { name: "Devices of the clinic" });
  return user;
};
type User = Awaited<ReturnType<typeof begin>>;

async function pasteKit(user: User) {
  await user.click(screen.getByLabelText("Word 1"));
  await user.paste(KIT);
}
const dialogButton = (name: string) => within(screen.getByRole("dialog")).getByRole<HTMLButtonElement>("button", { name });

describe("the clinic's devices", () => {
  it("are listed by letter, with what they are and when they last wrote", async () => {
    await begin();
    expect(row("A").getByText("this device")).toBeTruthy();
    expect(row("A").getByText("lets devices in")).toBeTruthy();
    expect(row("B").getByText(/last wrote 3 min ago/)).toBeTruthy();
    expect(row("C").getByText("Device C")).toBeTruthy();
    expect(row("D").getByText("removed")).toBeTruthy();
    expect(row("D").queryByRole("button")).toBeNull();
  });

  it("are named", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Rename Device C" }));
    await user.type(await screen.findByLabelText("Name of the device"), "Pharmacy{Enter}");
    expect(await screen.findByText("Pharmacy (C)")).toBeTruthy();
    expect(fake.callsOf("renameDevice")[0]).toEqual(["0c".repeat(32), "Pharmacy"]);
  });

  it("are made admins by PIN; a wrong one changes nothing", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Dr Aisyah's tablet (B): let it let others in" }));
    await screen.findByText(/can let further devices in/);
    await enterPin(user, "000000");
    await user.click(dialogButton("Let it"));
    expect(await screen.findByText(/not right|Wrong|wrong/)).toBeTruthy();
    expect(fake.state.devices.find((d) => d.id === B)?.admin).toBe(false);
    await waitFor(() => expect(screen.getByText("0 of 6 digits entered")).toBeTruthy());
    await enterPin(user, ADMIN_PIN);
    await user.click(dialogButton("Let it"));
    await waitFor(() => expect(row("B").getByText("lets devices in")).toBeTruthy());
    expect(fake.callsOf("makeAdmin").at(-1)?.[0]).toEqual({ device: B, pin: ADMIN_PIN, kit: null });
  });

  it.each(["clinic", "put-aside", "not-admin"])("are accessible in both languages: %s", async (scene) => {
    for (const language of ["en", "ms"] as const) {
      const { user, unmount } = start({ as: "owner", at: "/admin/devices", scene, language });
      await screen.findByText("Dr Aisyah's tablet (B)");
      await expectAccessible();
      await user.click(screen.getAllByRole("button", { name: /^(Remove|Keluarkan) / })[1] as HTMLElement);
      const dialog = await screen.findByRole("dialog");
      await settled();
      // Its header is the kit's: a second banner to axe, and to nobody else.
      await expectAccessible(dialog.querySelector(".mantine-Modal-body") as Element);
      unmount();
    }
  });
});

describe("a removal", () => {
  it("says exactly what happens, wants the letter and the PIN", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Remove Dr Aisyah's tablet (B)" }));
    const points = within(await screen.findByTestId("what-happens")).getAllByRole("listitem").map((li) => li.textContent);
    expect(points).toHaveLength(4);
    expect(points.join(" ")).toMatch(/keeps what it has.*nothing that is written from now on.*put aside, and you decide.*for good/);
    expect(dialogButton("Continue").disabled).toBe(true);
    await user.type(screen.getByLabelText("To confirm, type its letter: B"), "a");
    expect(screen.getByText("That is another letter.")).toBeTruthy();
    expect(dialogButton("Continue").disabled).toBe(true);
    await user.clear(screen.getByLabelText("To confirm, type its letter: B"));
    await user.type(screen.getByLabelText("To confirm, type its letter: B"), "b");
    await user.click(dialogButton("Continue"));
    await screen.findByText("Enter your PIN");
    expect(fake.callsOf("removeDevice")).toHaveLength(0);
    await enterPin(user, ADMIN_PIN);
    await user.click(dialogButton("Remove device"));
    expect(await screen.findByText("Dr Aisyah's tablet (B) was removed.")).toBeTruthy();
    expect(fake.callsOf("removeDevice")[0]?.[0]).toEqual({ device: B, pin: ADMIN_PIN, kit: null, undo_since: null, own: false });
    await waitFor(() => expect(row("B").getByText("removed")).toBeTruthy());
  });

  it("of an admin's device offers the kit, each word looked at as it is typed, and what it undoes", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Remove Device C" }));
    expect(await screen.findByText(/If it was stolen, use the recovery kit/)).toBeTruthy();
    await user.type(screen.getByLabelText("To confirm, type its letter: C"), "C");
    expect(dialogButton("Continue").disabled).toBe(false);
    await user.click(screen.getByLabelText("Use the recovery kit"));
    expect(dialogButton("Continue").disabled).toBe(true);
    // A slip is told at its word; the space leads to the next one.
    await user.type(screen.getByLabelText("Word 1"), "abandn ");
    expect(document.activeElement).toBe(screen.getByLabelText("Word 2"));
    expect(screen.getByText("No word of any kit: look at its letters")).toBeTruthy();
    expect(screen.getByText("24 words to go")).toBeTruthy();
    await pasteKit(user);
    expect(screen.getByText("All 24 words can be a kit's.")).toBeTruthy();
    await user.type(screen.getByLabelText("It went missing on"), "2026-11-20T08:30");
    await user.click(dialogButton("Continue"));
    await enterPin(user, ADMIN_PIN);
    // Back to look again: nothing has to be typed twice.
    await user.click(dialogButton("Cancel"));
    expect((await screen.findByLabelText<HTMLInputElement>("Word 24")).value).toBe(WORDS[23]);
    await user.click(dialogButton("Continue"));
    await screen.findByText("Enter your PIN");
    await enterPin(user, ADMIN_PIN);
    await user.click(dialogButton("Remove device"));
    await waitFor(() => expect(fake.callsOf("removeDevice")[0]?.[0]).toMatchObject({ kit: KIT, undo_since: new Date("2026-11-20T08:30").toISOString() }));
  });

  it("of this very device needs the kit, and leaves a device that says that it was removed", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Remove Counter (A)" }));
    expect(await screen.findByText(/This is the device in your hands/)).toBeTruthy();
    await user.type(screen.getByLabelText("To confirm, type its letter: A"), "A");
    expect(dialogButton("Continue").disabled).toBe(true);
    await pasteKit(user);
    await user.click(dialogButton("Continue"));
    await enterPin(user, ADMIN_PIN);
    await user.click(dialogButton("Remove device"));
    expect(await screen.findByTestId("removed")).toBeTruthy();
    expect(fake.callsOf("removeDevice")[0]?.[0]).toMatchObject({ own: true, kit: KIT });
  });

  it("advises to sync first while the relay is away", async () => {
    const { user } = start({ as: "admin", at: "/admin/devices", scene: "lan-only" });
    await user.click(await screen.findByRole("button", { name: "Remove Device C" }));
    expect(await screen.findByText(/let it sync first/)).toBeTruthy();
  });

  it("on a device that is no admin's needs the kit", async () => {
    const user = await begin("not-admin");
    await user.click(screen.getByRole("button", { name: "Remove Dr Aisyah's tablet (B)" }));
    expect(await screen.findByText("The recovery kit is needed here. Have the printout at hand.")).toBeTruthy();
    expect(screen.getByLabelText("Word 24")).toBeTruthy();
  });

  it("says why it was refused, and keeps the dialog", async () => {
    const user = await begin();
    fake.failNext("removeDevice", "disk_full");
    await user.click(screen.getByRole("button", { name: "Remove Dr Aisyah's tablet (B)" }));
    await user.type(await screen.findByLabelText("To confirm, type its letter: B"), "B{Enter}");
    await enterPin(user, ADMIN_PIN);
    await user.click(dialogButton("Remove device"));
    expect((await screen.findByRole("alert")).getAttribute("data-error-code")).toBe("disk_full");
    expect(dialogButton("Remove device")).toBeTruthy();
  });
});

describe("work that came after a removal", () => {
  it("stands there with its count, since when, and its kinds; taken in by PIN", async () => {
    const user = await begin("put-aside");
    const late = within(document.querySelector("[data-aside=D]") as HTMLElement);
    expect(late.getByText("12 changes of Old tablet (D) are put aside.")).toBeTruthy();
    expect(late.getByText("7 of visits, 3 of patients' details, 2 of allergies")).toBeTruthy();
    expect(late.getByText(/The oldest was written/)).toBeTruthy();
    expect(late.getByText("4 changes of others wait for these.")).toBeTruthy();
    await user.click(late.getByRole("button", { name: "Take in the work of Old tablet (D)" }));
    await screen.findByText(/It counts from now on, on all devices alike/);
    await enterPin(user, ADMIN_PIN);
    await user.click(dialogButton("Take in"));
    await waitFor(() => expect(document.querySelector("[data-aside=D]")).toBeNull());
    expect(fake.callsOf("reviewRemoved")[0]?.[0]).toEqual({ device: "0d".repeat(32), take: true, pin: ADMIN_PIN, kit: null });
  });

  it("is set aside by PIN, stays in sight, and can be taken in later", async () => {
    const user = await begin("put-aside");
    await user.click(screen.getByRole("button", { name: "Set aside the work of Old tablet (D)" }));
    await screen.findByText(/Nothing is deleted/);
    await enterPin(user, ADMIN_PIN);
    await user.click(dialogButton("Set aside"));
    expect(await screen.findByText("looked at and set aside")).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Set aside the work of Old tablet (D)" }).disabled).toBe(true);
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Take in the work of Old tablet (D)" }).disabled).toBe(false);
  });

  it("needs the kit to be taken in on a device that is no admin's, and none to be set aside", async () => {
    const { user } = start({ as: "admin", at: "/admin/devices", scene: "put-aside", before: () => fake.scene("not-admin") });
    await user.click(await screen.findByRole("button", { name: "Take in the work of Old tablet (D)" }));
    expect(await screen.findByTestId("kit")).toBeTruthy();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await user.click(screen.getByRole("button", { name: "Set aside the work of Old tablet (D)" }));
    expect(await screen.findByText("Enter your PIN")).toBeTruthy();
  });

  it("is brought in from a file, and what is no such file is named", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Take in a file…" }));
    expect(await screen.findByText("5 entries were new here.")).toBeTruthy();
    fake.failNext("takeInUnsent", "invalid", { field: "file" });
    await user.click(screen.getByRole("button", { name: "Take in a file…" }));
    expect((await screen.findByRole("alert")).textContent).toContain("Please look again: file");
  });

  it("stands apart from what is not valid", async () => {
    await begin("put-aside");
    expect(screen.getByText(/two different changes under one number/)).toBeTruthy();
  });
});
