import { waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { enterPin, fake, id, PATIENT, PINS, screen, settled, start, VISIT, within } from "./app";

type User = ReturnType<typeof start>["user"];
const now = () => document.activeElement as HTMLElement;
const nameOf = (e: Element) => (e.getAttribute("aria-label") ?? (e as HTMLInputElement).labels?.[0]?.textContent ?? e.textContent ?? "").trim();

/** A screen begins with the focus on its main part: not before that does anybody type. */
const begun = () => waitFor(() => expect(now()).toBe(document.querySelector("main")));

/** Presses Tab until the focus stands on what is called so. */
async function tabTo(user: User, name: string | RegExp, { back = false } = {}) {
  const fits = (e: Element) => (typeof name === "string" ? nameOf(e) === name : name.test(nameOf(e)));
  const seen: string[] = [];
  for (let i = 0; i < 150; i += 1) {
    await user.tab({ shift: back });
    if (fits(now())) return;
    seen.push(nameOf(now()).slice(0, 30));
  }
  throw new Error(`Tab never reaches ${name}: ${[...new Set(seen)].join(" | ")}`);
}

/** The dialog holds the focus in both directions, goes by Escape, and gives the focus back. */
async function expectDialog(user: User, opener: HTMLElement) {
  const dialog = await screen.findByRole("dialog");
  await waitFor(() => expect(dialog.contains(now())).toBe(true));
  for (const shift of [false, true])
    for (let i = 0; i < 20; i += 1) {
      await user.tab({ shift });
      expect(dialog.contains(now()), nameOf(now())).toBe(true);
    }
  await user.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await waitFor(() => expect(now()).toBe(opener));
}

describe("the day by keyboard alone", () => {
  it("signs in", async () => {
    const { user } = start();
    await screen.findByRole("button", { name: "Lim Mei Ling, Receptionist" });
    await tabTo(user, "Lim Mei Ling, Receptionist");
    await user.keyboard("{Enter}");
    await screen.findByText("Enter your PIN");
    await user.keyboard(PINS.receptionist);
    await screen.findByRole("heading", { name: "Today" });
    expect(now()).toBe(document.querySelector("main"));
  });

  it("opens a patient from the queue, writes, prescribes in spite of an alert, and signs", async () => {
    const { user } = start({ as: "doctor", at: "/consult" });
    await screen.findByRole("button", { name: "Open A01, NUR AISYAH BINTI RAHMAN" });
    await begun();
    await tabTo(user, "Open A01, NUR AISYAH BINTI RAHMAN");
    await user.keyboard("{Enter}");
    await screen.findByLabelText("Subjective, sentence 1");
    await settled();
    await tabTo(user, "Subjective, sentence 1");
    await user.keyboard("Sore throat.");

    await tabTo(user, "Add a medicine");
    await user.keyboard("amox");
    await screen.findByRole("option", { name: /Amoxicillin/ });
    expect(now().getAttribute("aria-activedescendant")).toBe(screen.getByRole("option", { name: /Amoxicillin/ }).id);
    await user.keyboard("{Enter}");
    await screen.findByTestId("line-editor");
    expect(now()).toBe(screen.getByLabelText("Dose"));
    await screen.findByRole("button", { name: "Override…" });
    await tabTo(user, "Override…", { back: true });
    await user.keyboard("{Enter}");
    expect(now()).toBe(await screen.findByLabelText(/Your reason/));
    await user.keyboard("Tolerated in 2024");
    await waitFor(() => expect(screen.getByRole<HTMLButtonElement>("button", { name: "Prescribe" }).disabled).toBe(false));
    await tabTo(user, "Prescribe");
    await user.keyboard("{Enter}");
    await screen.findByTestId("override-reason");
    await waitFor(() => expect(now()).toBe(screen.getByLabelText("Add a medicine")));

    await waitFor(() => expect(screen.getByRole<HTMLButtonElement>("button", { name: "Sign note" }).disabled).toBe(false));
    await tabTo(user, "Sign note");
    await user.keyboard("{Enter}");
    await waitFor(() => expect(screen.getByRole("dialog").contains(now())).toBe(true));
    await enterPin(user, PINS.doctor);
    await tabTo(user, "Sign note");
    await user.keyboard("{Enter}");
    const signed = await screen.findByTestId("signed-note");
    await waitFor(() => expect(now()).toBe(signed));
    await tabTo(user, "Next patient");
    await user.keyboard("{Enter}");
    expect(await screen.findByRole("heading", { level: 1, name: "Consult" })).toBeTruthy();
  });

  it("hands medicines over", async () => {
    const { user } = start({ as: "pharmacist", at: "/dispense" });
    await screen.findByRole("button", { name: /^A02/ });
    await begun();
    await tabTo(user, /^A02/);
    await user.keyboard("{Enter}");
    await screen.findByRole("button", { name: "Print labels and hand over" });
    await tabTo(user, "Print labels and hand over");
    await user.keyboard("{Enter}");
    await waitFor(() => expect(screen.getByRole("dialog").contains(now())).toBe(true));
    await enterPin(user, PINS.pharmacist);
    await tabTo(user, "Print labels and hand over");
    await user.keyboard("{Enter}");
    const done = await screen.findByTestId("dispensed");
    await waitFor(() => expect(now()).toBe(done));
  });

  it("agrees, with a mark drawn by the arrow keys", async () => {
    const { user } = start({ as: "receptionist", at: `/consent/${PATIENT}` });
    await screen.findByRole("main");
    await begun();
    await screen.findAllByLabelText("Clinic that may see the record");
    await tabTo(user, "Clinic that may see the record");
    await user.keyboard("{Enter}{ArrowDown}{Enter}");
    await waitFor(() => expect(screen.getByRole<HTMLButtonElement>("button", { name: "Hand over to the patient" }).disabled).toBe(false));
    const onward = async (name: string) => {
      await tabTo(user, name);
      await user.keyboard("{Enter}");
      // Each page begins at its top.
      await begun();
    };
    await onward("Hand over to the patient");
    await onward("Continue");
    await tabTo(user, /^Visits and notes/);
    await user.keyboard(" ");
    await onward("Continue");
    await onward("Continue");
    await tabTo(user, /^Sign here|NUR AISYAH/);
    expect(now()).toBe(screen.getByTestId("signature"));
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "I agree" }).disabled).toBe(true);
    await user.keyboard(" {ArrowRight}{ArrowRight}{ArrowDown} {ArrowUp} {ArrowLeft}{Enter}");
    expect(fake.callsOf("grantConsent")).toHaveLength(0);
    await onward("I agree");
    expect(fake.callsOf("grantConsent")[0]?.[0]).toMatchObject({ evidence: { signature_svg: "M60 150L72 150L84 150L84 162M84 150L72 150" } });
  });
});

describe("dialogs hold the focus, go by Escape, and give it back", () => {
  const cases: [string, Parameters<typeof start>[0], string | RegExp][] = [
    ["a PIN", { as: "doctor", at: `/consult/${VISIT}`, scene: "recorded" }, "Sign note"],
    ["an allergy", { as: "doctor", at: `/patients/${PATIENT}` }, "Record an allergy"],
    ["a revocation", { as: "doctor", at: "/network" }, "Revoke AHMAD FIRDAUS BIN HASSAN for Klinik Sentosa"],
    ["asking another clinic", { as: "doctor", at: `/patients/${PATIENT}` }, "Ask another clinic"],
    ["a request", { as: "doctor", at: "/network?tab=requests" }, "Open the request of Klinik Sentosa, Dr Lim Siew Fong"],
    ["the spool", { as: "pharmacist", at: `/dispense/${id(2, 4)}` }, "Labels"],
    ["the search", { as: "doctor", at: "/today" }, /^Search patients/],
    ["the printer's state", { as: "pharmacist", at: "/dispense" }, "Label printer ready"],
    ["a removal", { as: "admin", at: "/admin/devices" }, "Remove Dr Aisyah's tablet (B)"],
    ["a device's name", { as: "admin", at: "/admin/devices" }, "Rename Dr Aisyah's tablet (B)"],
    ["a review", { as: "admin", at: "/admin/devices", scene: "put-aside" }, "Set aside the work of Old tablet (D)"],
    ["the state of syncing", { as: "pharmacist", at: "/dispense" }, /^Saved here/],
  ];
  it.each(cases)("%s", async (_, where, name) => {
    const { user } = start(where);
    const opener = await screen.findByRole("button", { name });
    await begun();
    await waitFor(() => expect((opener as HTMLButtonElement).disabled).toBe(false));
    opener.focus();
    await user.keyboard("{Enter}");
    await expectDialog(user, opener);
  });

  it.each([["Other sources of sound", `/consult/${VISIT}`], [/appearance and signing out$/, "/today"], ["Klinik Seri Mawar", "/today"]])("the menu %s", async (name, at) => {
    const { user } = start({ as: "doctor", at });
    const opener = await screen.findByRole("button", { name });
    await begun();
    opener.focus();
    await user.keyboard("{Enter}");
    const menu = await screen.findByRole("menu");
    await user.keyboard("{ArrowDown}");
    await waitFor(() => expect(menu.contains(now())).toBe(true));
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("menu")).toBeNull());
    await waitFor(() => expect(now()).toBe(opener));
  });

  it("gives the focus to the work area when what opened it is gone", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}`, scene: "recorded" });
    await user.click(await screen.findByRole("button", { name: "Propose a draft" }));
    const record = await screen.findByRole("button", { name: "Record…" });
    record.focus();
    await user.keyboard("{Enter}");
    await within(await screen.findByRole("dialog")).findByLabelText("Substance");
    await user.keyboard("{Escape}");
    await waitFor(() => expect(now()).toBe(document.querySelector("main")));
  });
});
