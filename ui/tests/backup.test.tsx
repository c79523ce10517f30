import { createHash } from "node:crypto";
import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { KIT_WORDS, wordsIn } from "@/lib/kitWords";
import { WORDS } from "@dev/people";
import { expectAccessible, fake, screen, start } from "./app";

const KIT = WORDS.join(" ");

describe("the words of a kit", () => {
  it("are the English list of BIP-39, as published", () => {
    expect(createHash("sha256").update(`${[...KIT_WORDS].join("\n")}\n`).digest("hex")).toBe("2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
  });

  it("are found in a printout with numbers, and in a plain line", () => {
    expect(wordsIn(KIT)).toEqual({ words: WORDS, numbered: false });
    const saved = `MediEco recovery kit\nKlinik Seri Mawar\n\n${WORDS.map((word, i) => `${String(i + 1).padStart(2)}. ${word}`).join("\n")}\n`;
    expect(wordsIn(saved)).toEqual({ words: WORDS, numbered: true });
  });
});

describe("backups of this device", () => {
  const begin = async (scene = "clinic", before?: () => void) => {
    const { user } = start({ as: "owner", at: "/admin/backup", scene, before });
    await screen.findByTestId("backup");
    return user;
  };

  it("show the last good one, and what one holds and what opens it", async () => {
    await begin();
    expect(screen.getByTestId("backup-folder").textContent).toBe("/media/usb/backups");
    expect(screen.getByTestId("backup-last").textContent).toContain("medieco-1a2b3c4d-20261121T020000Z.backup, 42 MB");
    expect(screen.getByText(/It opens with the recovery kit/)).toBeTruthy();
  });

  it("are made now, with what and how far, while work goes on", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Back up now" }));
    const bar = await screen.findByRole("progressbar", { name: /A backup is being made/ });
    act(() => fake.backedUpSoFar("writing", 40));
    await waitFor(() => expect(bar.getAttribute("aria-valuenow")).toBe("40"));
    expect(screen.getByTestId("how-far").textContent).toContain("Writing · 40 %");
    await expectAccessible();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Back up now" }).disabled).toBe(true);
    // It goes on when the screen is left.
    await user.click(screen.getByRole("tab", { name: "Staff" }));
    await waitFor(() => expect(screen.queryByRole("progressbar")).toBeNull());
    await user.click(screen.getByRole("tab", { name: "Backup" }));
    await screen.findByRole("progressbar");
    act(() => fake.backedUpSoFar("checking", 100));
    await waitFor(() => expect(screen.getByTestId("backup-last").textContent).toContain("43 MB"));
    expect(screen.queryByRole("progressbar")).toBeNull();
  });

  it("say so when one was made on this screen", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Back up now" }));
    await screen.findByRole("progressbar");
    act(() => fake.backedUpSoFar("checking", 100));
    expect(await screen.findByText("The backup is made, and was read back and checked.")).toBeTruthy();
  });

  it("go to a folder that is chosen, with recordings or without, or to none", async () => {
    const user = await begin("clinic", () => void (fake.state.backup = { ...fake.state.backup, folder: "", last: null }));
    expect(screen.getByTestId("backup-folder").textContent).toMatch(/^No folder is chosen/);
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Back up now" }).disabled).toBe(true);
    await user.click(screen.getByRole("button", { name: "Choose a folder…" }));
    await waitFor(() => expect(fake.callsOf("setBackupFolder")[0]).toEqual(["/media/usb/file", false]));
    const sound = await screen.findByRole<HTMLInputElement>("switch", { name: /^With recordings/ });
    await waitFor(() => expect(sound.disabled).toBe(false));
    await user.click(sound);
    await waitFor(() => expect(fake.callsOf("setBackupFolder")[1]).toEqual(["/media/usb/file", true]));
    await user.click(await screen.findByRole("button", { name: "Make no more backups here" }));
    await waitFor(() => expect(fake.callsOf("setBackupFolder")[2]).toEqual(["", true]));
  });

  it("say in words why the last try made none, and what to do", async () => {
    const user = await begin("no-backup");
    expect(screen.getByRole("alert").textContent).toContain("The backup folder is not there");
    expect(screen.getByRole("alert").textContent).toContain("Put the stick in");
    fake.failNext("backupNow", "backup_folder_full");
    await user.click(screen.getByRole("button", { name: "Back up now" }));
    expect(await screen.findByText("There is no room left for the backup")).toBeTruthy();
  });

  it("show one that is made by itself", async () => {
    await begin("clinic", () => void (fake.state.backup.running = true));
    act(() => fake.backedUpSoFar("reading", 7));
    await waitFor(() => expect(screen.getByTestId("how-far").textContent).toContain("Reading it back · 7 %"));
  });
});

describe("restoring a clinic at first start", () => {
  const begin = async (scene = "first-start") => {
    const { user } = start({ scene });
    await user.click(await screen.findByRole("button", { name: /^Restore from a backup/ }));
    return user;
  };
  const submit = () => screen.getByRole<HTMLButtonElement>("button", { name: "Restore the clinic" });

  it("takes a file and the kit, shows how far it is, and ends at the sign-in", async () => {
    const user = await begin();
    expect(submit().disabled).toBe(true);
    await user.click(screen.getByRole("button", { name: "Choose the file…" }));
    expect((await screen.findByTestId("chosen-file")).textContent).toBe("Chosen: /media/usb/file");
    await user.click(screen.getByLabelText("Word 1"));
    await user.paste(KIT);
    await waitFor(() => expect(submit().disabled).toBe(false));
    await expectAccessible();
    await user.click(submit());
    const bar = await screen.findByRole("progressbar");
    act(() => fake.backedUpSoFar("reading", 61));
    await waitFor(() => expect(bar.getAttribute("aria-valuenow")).toBe("61"));
    expect(screen.getByTestId("how-far").textContent).toContain("Reading the backup · 61 %");
    expect(submit().disabled).toBe(true);
    act(() => fake.backedUpSoFar("checking", 100));
    expect(await screen.findByText("Who is working?")).toBeTruthy();
    expect(fake.callsOf("restoreClinic")[0]?.[0]).toEqual({ file: "/media/usb/file", words: KIT, protection: { kind: "keyring" } });
  });

  it("can be tried again after it was refused: nothing has to be typed twice", async () => {
    const user = await begin("no-keyring");
    await user.click(screen.getByRole("button", { name: "Choose the file…" }));
    await user.click(screen.getByLabelText("Word 1"));
    await user.paste(KIT);
    await user.type(screen.getByLabelText("Passphrase"), "four words are good");
    await user.type(screen.getByLabelText("Once more"), "four words are good");
    fake.failNext("restoreClinic", "kit_foreign");
    await user.click(submit());
    expect(await screen.findByText("This kit is another clinic's")).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>("Word 7").value).toBe(WORDS[6]);
    await user.click(submit());
    await screen.findByRole("progressbar");
    act(() => fake.backedUpSoFar("checking", 100));
    expect(await screen.findByText("Who is working?")).toBeTruthy();
    expect(fake.callsOf("restoreClinic")[1]?.[0]).toMatchObject({ protection: { kind: "passphrase", passphrase: "four words are good" } });
  });

  it("goes word by word on the keyboard, and back", async () => {
    const user = await begin();
    await user.click(screen.getByLabelText("Word 1"));
    await user.keyboard("abandon River mengo ");
    expect(document.activeElement).toBe(screen.getByLabelText("Word 4"));
    expect(screen.getByLabelText<HTMLInputElement>("Word 2").value).toBe("river");
    expect(screen.getByLabelText("Word 3").getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByText("22 words to go")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Back" }));
    expect(await screen.findByRole("heading", { name: "Welcome to MediEco" })).toBeTruthy();
  });

  it.each(["en", "ms"] as const)("is accessible: %s", async (language) => {
    const { user } = start({ scene: "first-start", language });
    await user.click(await screen.findByRole("button", { name: /^(Restore from a backup|Pulihkan daripada sandaran)/ }));
    expect(document.querySelectorAll("h1")).toHaveLength(1);
    await expectAccessible();
  });
});
