import { waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { valueWords } from "@/components/matters/words";
import { enterPin, expectAccessible, expectOnePage, fake, id, PATIENT, PINS, screen, settled, start, VISIT, within } from "./app";

const matter = (kind: string, part = "") => document.querySelector<HTMLElement>(`[data-matter=${kind}]${part && `[data-key*="${part}"]`}`) as HTMLElement;

describe("what is to be decided", () => {
  it("is counted in the status bar and on Sync, and reached from both", async () => {
    const { user } = start({ as: "doctor", at: "/consult", scene: "conflicts" });
    const bar = await screen.findByRole("button", { name: /7 to decide/ });
    expect(bar.getAttribute("data-tone")).toBe("amber");
    await user.click(bar);
    await user.click(await screen.findByRole("button", { name: "Open Sync" }));
    const figure = (await screen.findByText("7 conflicts")).closest("[data-figure=conflicts]") as HTMLElement;
    await user.click(within(figure).getByRole("button", { name: "Decide" }));
    expect(await screen.findByRole("heading", { level: 1, name: "To decide" })).toBeTruthy();
    expect(document.querySelectorAll("[data-matter]")).toHaveLength(7);
  });

  it("is reached from the patient's banner, and is then only hers", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}`, scene: "conflicts" });
    const strip = await screen.findByTestId("undecided");
    expect(strip.textContent).toContain("3 things about this patient");
    await user.click(within(strip).getByRole("button", { name: "Decide" }));
    await screen.findByText("Only what concerns NUR AISYAH BINTI RAHMAN");
    expect(document.querySelectorAll("[data-matter]")).toHaveLength(3);
    await user.click(screen.getByRole("button", { name: "Show everybody's" }));
    await waitFor(() => expect(document.querySelectorAll("[data-matter]")).toHaveLength(7));
  });

  it("shows both values with who, where and when, and writes the chosen one", async () => {
    const { user } = start({ as: "doctor", at: "/conflicts", scene: "conflicts" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    const severity = matter("disputed", "/severity");
    expect(severity.textContent).toContain("Severity of the allergy: Penicillin");
    expect(severity.textContent).toMatch(/mild.*Dr Vikram Nair · device C · \d+ \w+ 20\d\d/);
    expect(severity.textContent).toMatch(/anaphylaxis.*Dr Aisyah binti Kamal · Dr Aisyah's tablet \(B\)/);
    await user.type(within(severity).getByRole("textbox", { name: /Why/ }), "seen in 2019");
    await user.click(within(severity).getByRole("button", { name: /^Use anaphylaxis, by Dr Aisyah/ }));
    await waitFor(() => expect(matter("disputed", "/severity")).toBeNull());
    expect(fake.callsOf("decideConflict")).toEqual([[{ key: `patient/${PATIENT}/allergies entries/${id(1, 9)}/severity`, value: { kind: "side", side: "bb" }, reason: "seen in 2019" }]]);
  });

  it("takes a third value, from the list where there is one, and says when the field cannot have it", async () => {
    const { user } = start({ as: "doctor", at: "/conflicts", scene: "conflicts" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    const severity = matter("disputed", "/severity");
    await user.click(within(severity).getByText("Neither: another value"));
    await user.selectOptions(within(severity).getByRole("combobox", { name: "The right value" }), "moderate");
    await user.click(within(severity).getByRole("button", { name: "Use this value" }));
    await waitFor(() => expect(fake.callsOf("decideConflict").at(-1)).toEqual([expect.objectContaining({ value: { kind: "typed", text: "moderate" } })]));

    const dose = matter("disputed", "/units_per_dose");
    await user.click(within(dose).getByText("Neither: another value"));
    const field = within(dose).getByRole("textbox", { name: "The right value" });
    // Enter decides nothing.
    await user.type(field, "nonsense{Enter}");
    expect(fake.callsOf("decideConflict")).toHaveLength(1);
    await user.click(within(dose).getByRole("button", { name: "Use this value" }));
    expect(await within(dose).findByRole("alert")).toBeTruthy();
    expect(matter("disputed", "/units_per_dose")).toBeTruthy();
  });

  it("says it in words when another device was quicker", async () => {
    const { user } = start({ as: "doctor", at: "/conflicts", scene: "conflicts" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    fake.failNext("decideConflict", "not_now", { why: "decided" });
    await user.click(within(matter("disputed", "/severity")).getByRole("button", { name: /^Use mild/ }));
    expect(await screen.findByText("This has been decided already")).toBeTruthy();
  });

  it("puts back what was removed, or leaves it out", async () => {
    const { user } = start({ as: "doctor", at: "/conflicts", scene: "conflicts" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    const removed = matter("removed");
    expect(removed.textContent).toContain("before: mild");
    expect(removed.textContent).toContain("now: severe");
    await user.click(within(removed).getByRole("button", { name: "Put it back, as edited" }));
    await waitFor(() => expect(matter("removed")).toBeNull());
    expect(fake.callsOf("decideRemoved")).toEqual([[expect.objectContaining({ put_back: true })]]);
  });

  it("makes a late edit an addendum in the doctor's words, signed by her PIN", async () => {
    const { user } = start({ as: "doctor", at: "/conflicts", scene: "conflicts" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    const late = matter("late_edit");
    const words = within(late).getByRole<HTMLTextAreaElement>("textbox", { name: "Addendum" });
    expect(words.value).toBe("Told to rest for two days.\nDiagnosis: Tension headache.\nWritten in the draft, not prescribed: Loratadine 10 mg tablet, 1 tablet once a day.");
    await user.clear(words);
    await user.type(words, "Told to rest.");
    await user.click(within(late).getByRole("button", { name: "Sign as addendum" }));
    const pin = await screen.findByRole("dialog", { name: "Sign as addendum" });
    await enterPin(user, PINS.doctor);
    await user.click(within(pin).getByRole("button", { name: "Sign as addendum" }));
    await waitFor(() => expect(matter("late_edit")).toBeNull());
    expect(fake.callsOf("takeLateEdit")).toEqual([[{ visit: id(7, 4), text: "Told to rest.", pin: PINS.doctor }]]);
  });

  it("leaves a late edit out only after a question", async () => {
    const { user } = start({ as: "doctor", at: "/conflicts", scene: "conflicts" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    await user.click(within(matter("late_edit")).getByRole("button", { name: "Leave it out" }));
    const asked = await screen.findByRole("dialog", { name: "Leave out what was written apart?" });
    expect(fake.callsOf("leaveLateEdit")).toHaveLength(0);
    await user.click(within(asked).getByRole("button", { name: "Leave it out" }));
    await waitFor(() => expect(fake.callsOf("leaveLateEdit")).toEqual([[id(7, 4), ""]]));
  });

  it("reverses one of two signatures, or of two handings-over, with a reason and the PIN", async () => {
    const { user } = start({ as: "pharmacist", at: "/conflicts", scene: "conflicts" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    // A pharmacist sees allergies and handings-over; the notes are not hers.
    expect(matter("late_edit")).toBeNull();
    expect(matter("signed_twice")).toBeNull();
    expect(screen.getByTestId("elsewhere").textContent).toContain("3 more");
    expect(within(matter("disputed", "/severity")).queryByRole("button", { name: /^Use/ })).toBeNull();
    expect(matter("disputed", "/severity").textContent).toContain("A doctor decides this.");

    await user.click(within(matter("dispensed_twice")).getByRole("button", { name: "Reverse book no. C00018" }));
    const next = await screen.findByRole("button", { name: "Continue" });
    expect((next as HTMLButtonElement).disabled).toBe(true);
    await user.type(screen.getByRole("textbox", { name: "Why is it reversed?" }), "taken back");
    await user.click(next);
    await screen.findByRole("dialog", { name: "Reverse this one" });
    await enterPin(user, PINS.pharmacist);
    await user.click(screen.getByRole("button", { name: "Reverse this one" }));
    await waitFor(() => expect(matter("dispensed_twice")).toBeNull());
    expect(fake.callsOf("reverseDispensing")).toEqual([[{ visit: id(2, 4), fact: "02".repeat(32), reason: "taken back", pin: PINS.pharmacist }]]);
  });

  it("leaves a receptionist who a patient is, and nothing of a note", async () => {
    start({ as: "receptionist", at: "/conflicts", scene: "conflicts" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    expect(within(matter("disputed", "/identity")).getAllByRole("button", { name: /^Use / }).length).toBeGreaterThan(1);
    expect(document.body.textContent).not.toContain("Told to rest");
    expect(screen.getByTestId("elsewhere")).toBeTruthy();
  });

  it("teaches what will stand there while there is nothing", async () => {
    start({ as: "receptionist", at: "/conflicts" });
    expect(await screen.findByText("Nothing to decide")).toBeTruthy();
  });

  it.each(["en", "ms"] as const)("is accessible, and one page: %s", async (language) => {
    start({ as: "doctor", at: "/conflicts", scene: "conflicts", language });
    await expectOnePage();
    await expectAccessible();
  });
});

describe("where it concerns somebody's work", () => {
  it("stands in the allergy strip, and in the dialog with both values", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}`, scene: "conflicts" });
    const strip = await screen.findByRole("region", { name: "Allergies" });
    expect(within(strip).getAllByText("not decided yet")).toHaveLength(2);
    await user.click(within(strip).getByRole("button", { name: "Record an allergy" }));
    const dialog = await screen.findByRole("dialog", { name: "Record an allergy" });
    await waitFor(() => expect(within(dialog).getByText("Severity of the allergy: Penicillin")).toBeTruthy());
    expect(within(dialog).getByText("anaphylaxis", { selector: "p" })).toBeTruthy();
    await expectAccessible(dialog.querySelector(".mantine-Modal-body") as Element);
  });

  it("stands in the dispensing queue, at the prescription and in the history", async () => {
    const { user, unmount } = start({ as: "pharmacist", at: `/dispense/${id(2, 4)}`, scene: "conflicts" });
    expect(await screen.findByText("handed over twice")).toBeTruthy();
    const note = await screen.findByText(/This was handed over on another device too/);
    await user.click(within(note).getByRole("button", { name: "Decide" }));
    await screen.findByRole("heading", { level: 1, name: "To decide" });
    unmount();
    start({ as: "doctor", at: `/patients/${id(10, 3)}`, scene: "conflicts", before: () => void fake.state.rows.find((r) => r.patient === id(10, 3)) });
    await screen.findByRole("heading", { level: 1 });
    await settled();
  });

  it("says at the signed note that another signature stands, or that the draft went on", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}`, scene: "signed", before: () => {
      const view = fake.state.visits[VISIT];
      if (view?.note.state === "signed") view.note.twice = true;
    } });
    const said = await screen.findByTestId("note-undecided");
    expect(said.textContent).toContain("signed on two devices");
    await user.click(within(said).getByRole("button", { name: "Look at it" }));
    expect(await screen.findByRole("heading", { level: 1, name: "To decide" })).toBeTruthy();
  });

  it("warns a counter that has heard nobody for a while, and blocks nothing", async () => {
    const minutes = (n: number) => new Date(Date.now() - n * 60_000).toISOString();
    const at = (n: number) => () => void Object.assign(fake.state.status.sync, { connected: false, apart_since: minutes(n) });
    const { unmount } = start({ as: "pharmacist", at: `/dispense/${id(2, 4)}`, before: at(2) });
    await screen.findByRole("button", { name: "Print labels and hand over" });
    expect(screen.queryByTestId("apart")).toBeNull();
    unmount();
    start({ as: "pharmacist", at: `/dispense/${id(2, 4)}`, before: at(4) });
    expect((await screen.findByTestId("apart")).textContent).toContain("Another counter may have handed this over");
    expect((screen.getByRole("button", { name: "Print labels and hand over" }) as HTMLButtonElement).disabled).toBe(false);
  });
});

describe("values", () => {
  it.each([
    ["severity", "anaphylaxis", null, "anaphylaxis"],
    ["severity", "of a newer build", null, "of a newer build"],
    ["weight", "58.5", null, "58.5 kg"],
    ["days", "1", null, "1 day"],
    ["identifier", "900101145501", "my_kad", "MyKad 900101145501"],
    ["identifier", "X1", "something newer", "something newer X1"],
    ["medicine", "Paracetamol", "500", "Paracetamol (500 mg)"],
    ["when_needed", "false", null, "at fixed times"],
    ["birth_date", "1990-01-01", null, "1 Jan 1990"],
    ["advice", "", null, "left empty"],
  ] as const)("%s %s", (field, text, beside, words) => {
    start();
    expect(valueWords(field, text, beside)).toBe(words);
  });
});
