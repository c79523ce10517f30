import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { VisitView } from "@/api";
import { enterPin, expectAccessible, fake, id, PATIENT, PINS, screen, start, VISIT, within } from "./app";

const AT = `/consult/${VISIT}`;
const visit = () => fake.state.visits[VISIT] as VisitView;

describe("the allergy strip", () => {
  it("shows known, none known and not asked as three states that never look alike", async () => {
    const looks: string[] = [];
    for (const n of [1, 2, 3]) {
      const { unmount } = start({ as: "doctor", at: `/patients/${id(n, 3)}` });
      const strip = await screen.findByRole("region", { name: "Allergies" });
      looks.push(strip.getAttribute("data-allergy") ?? "");
      if (n === 1) expect(strip.textContent).toMatch(/Penicillin: anaphylaxis.*2019, verified/);
      if (n === 2) expect(strip.textContent).toContain("No known allergies (asked 12 Nov 2026)");
      if (n === 3) expect(strip.textContent).toContain("not asked yet");
      unmount();
    }
    expect(looks).toEqual(["known", "none_known", "not_asked"]);
  });

  it("takes an answer where nobody has asked", async () => {
    const { user } = start({ as: "doctor", at: `/patients/${id(3, 3)}` });
    await user.click(await screen.findByRole("button", { name: "None: no known allergies" }));
    expect(await screen.findByText("No known allergies")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Record an allergy" }));
    await user.type(await screen.findByLabelText("Substance"), "Latex");
    await user.click(screen.getByText("severe"));
    await user.click(screen.getByRole("button", { name: "Record" }));
    await waitFor(() => expect(fake.callsOf("recordAllergy")[0]?.[0]).toMatchObject({ substance: "Latex", severity: "severe" }));
    expect(await screen.findByText("Latex")).toBeTruthy();
  });
});

describe("the note", () => {
  it("records the demo consult: text while it runs, then a draft that is taken over sentence by sentence", async () => {
    const { user } = start({ as: "doctor", at: AT });
    await user.click(await screen.findByRole("button", { name: "Other sources of sound" }));
    await user.click(await screen.findByRole("menuitem", { name: "Demo consult, as fast as possible" }));
    expect(fake.callsOf("startRecording")[0]?.[1]).toEqual({ kind: "wav", path: "/demo/consult.wav", fast: true });
    expect(await screen.findByRole("button", { name: "Stop" })).toBeTruthy();
    const recording = visit().recordings[0]?.id ?? "";
    act(() => fake.progress(VISIT, recording, { length_ms: 2000, levels: [40, 10], partial: "Good mor" }));
    expect((await screen.findByTestId("partial")).textContent).toBe("Good mor");
    act(() => fake.finish(VISIT, recording));
    expect(await screen.findByText(/1:25 recorded/)).toBeTruthy();

    await user.click(screen.getByRole("button", { name: "Propose a draft" }));
    expect(await screen.findAllByTestId("proposed")).toHaveLength(8);
    await user.click(screen.getByRole("button", { name: "Dismiss: Dry cough, sore throat." }));
    await user.click(screen.getByRole("button", { name: "Take over: Fever and cough for 3 days." }));
    await waitFor(() => expect(fake.callsOf("saveNote").at(-1)?.[1]).toMatchObject({ subjective: [{ text: "Fever and cough for 3 days.", source: { start_ms: 3390, end_ms: 6010 } }] }));
    expect(await screen.findByText(/Draft, saved here/)).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Take over all" }));
    expect(screen.queryAllByTestId("proposed")).toHaveLength(0);
    const note = await waitFor(() => {
      const last = fake.callsOf("saveNote").at(-1)?.[1] as { plan: unknown[]; subjective: unknown[] };
      expect(last.plan).toHaveLength(2);
      return last;
    });
    expect(note.subjective).toHaveLength(2);

    const look = screen.getAllByRole("button", { name: /^Checked: / });
    expect(look.length).toBeGreaterThan(2);
    await user.click(look[0] as HTMLElement);
    expect(screen.getAllByRole("button", { name: /^Checked: / })).toHaveLength(look.length - 1);

    await user.click(screen.getByRole("button", { name: "Record…" }));
    expect((await screen.findByLabelText<HTMLInputElement>("Substance")).value).toBe("penicillin");
    expect(fake.callsOf("recordAllergy")).toHaveLength(0);
  });

  it("plays the very seconds of a sentence", async () => {
    const { user } = start({ as: "doctor", at: AT, scene: "recorded" });
    await user.click((await screen.findAllByRole("button", { name: "Play from 0:09" }))[0] as HTMLElement);
    expect(fake.callsOf("recordingAudio")[0]).toEqual([id(1, 6), 9850, 12230]);
  });

  const recordedAgain = () => {
    const turns = [{ span: { start_ms: 500, end_ms: 2000 }, speaker: "patient", certainty: "certain", language: "en", text: "One more thing, doctor." } as const];
    visit().recordings.push({ id: id(2, 6), state: "done", length_ms: 5000, turns: [...turns], model: "micro-demo.bin", demo_model: true });
  };
  it.each(["recorded", "signed"])("plays an earlier recording's sentence from that recording (%s)", async (scene) => {
    const { user } = start({ as: "doctor", at: AT, scene, before: recordedAgain });
    await user.click((await screen.findAllByRole("button", { name: "Play from 0:09" }))[0] as HTMLElement);
    await waitFor(() => expect(fake.callsOf("recordingAudio")).toEqual([[id(1, 6), 9850, 12230]]));
    await user.click(within(await screen.findByTestId("turns")).getByText("One more thing, doctor."));
    await waitFor(() => expect(fake.callsOf("recordingAudio").at(-1)).toEqual([id(2, 6), 500, 2000]));
  });

  it("plays nothing for a sentence of which the recording is not known", async () => {
    const forgotten = () => {
      const { note } = visit();
      const [first] = note.note.subjective;
      if (first) note.note = { ...note.note, subjective: [{ ...first, source: { recording: null, start_ms: 3390, end_ms: 6010 } }] };
    };
    start({ as: "doctor", at: AT, scene: "recorded", before: forgotten });
    expect(await screen.findByDisplayValue("Fever and cough for 3 days.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Play from 0:03" })).toBeNull();
    expect(screen.getByRole("button", { name: "Play from 0:28" })).toBeTruthy();
  });

  it("saves what is typed, sentence by sentence, after a pause", async () => {
    const { user } = start({ as: "doctor", at: AT });
    await user.type(await screen.findByLabelText("Subjective, sentence 1"), "Fever.{Enter}Cough.");
    await waitFor(() => expect(fake.callsOf("saveNote").at(-1)?.[1]).toMatchObject({ subjective: [{ text: "Fever.", source: null }, { text: "Cough.", source: null }] }), { timeout: 10_000 });
  });

  it("keeps the words on the screen when they cannot be saved, and says so", async () => {
    const { user } = start({ as: "doctor", at: AT });
    fake.failNext("saveNote", "disk_full");
    await user.type(await screen.findByLabelText("Plan, sentence 1"), "Rest.");
    expect(await screen.findByText("The disk is full", {}, { timeout: 10_000 })).toBeTruthy();
    expect(screen.getByText("Not saved yet")).toBeTruthy();
    expect(screen.getByDisplayValue("Rest.")).toBeTruthy();
  });

  it("is signed by her PIN and a button, never by Enter; afterwards nothing edits it", async () => {
    const { user } = start({ as: "doctor", at: AT, scene: "recorded" });
    await user.click(await screen.findByRole("button", { name: "Sign note" }));
    const dialog = await screen.findByRole("dialog");
    await enterPin(user, "000000");
    await user.keyboard("{Enter}");
    expect(fake.callsOf("signNote")).toHaveLength(0);
    await user.click(within(dialog).getByRole("button", { name: "Sign note" }));
    expect(await within(dialog).findByText("Wrong PIN. Please try again.")).toBeTruthy();
    (document.activeElement as HTMLElement).blur();
    await enterPin(user, PINS.doctor);
    await user.click(within(dialog).getByRole("button", { name: "Sign note" }));
    expect(await screen.findByTestId("signed-note")).toBeTruthy();
    expect(screen.getByText("signature verified")).toBeTruthy();
    expect(screen.queryByLabelText("Subjective, sentence 1")).toBeNull();
    expect(screen.queryByLabelText("Add a medicine")).toBeNull();
  });

  it("takes an addendum after signing, with a PIN", async () => {
    const { user } = start({ as: "doctor", at: AT, scene: "signed" });
    await user.type(await screen.findByLabelText("Addendum"), "Results were normal.");
    await user.click(screen.getByRole("button", { name: "Sign addendum" }));
    const dialog = await screen.findByRole("dialog");
    (document.activeElement as HTMLElement).blur();
    await enterPin(user, PINS.doctor);
    await user.click(within(dialog).getByRole("button", { name: "Sign addendum" }));
    expect(await screen.findByText("Results were normal.", { selector: "p" })).toBeTruthy();
  });
});

describe("the prescription", () => {
  it("wants a reason before a medicine with a serious alert can be prescribed", async () => {
    const { user } = start({ as: "doctor", at: AT });
    await user.type(await screen.findByLabelText("Add a medicine"), "amox");
    await user.click(await screen.findByRole("option", { name: /Amoxicillin 500 mg/ }));
    expect(await screen.findByText(/Allergic to Penicillin/)).toBeTruthy();
    const prescribe = () => screen.getByRole<HTMLButtonElement>("button", { name: "Prescribe" });
    expect(prescribe().disabled).toBe(true);
    expect(screen.getByText("The red alert wants a reason, or another medicine.")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Override…" }));
    await user.type(screen.getByLabelText(/Your reason/), "   ");
    expect(prescribe().disabled).toBe(true);
    await user.type(screen.getByLabelText(/Your reason/), "Tolerated in 2024");
    await waitFor(() => expect(prescribe().disabled).toBe(false));
    await user.click(prescribe());
    const line = (await screen.findByTestId("override-reason")).textContent;
    expect(line).toContain("Tolerated in 2024");
    expect(fake.callsOf("prescribe")[0]?.[0]).toMatchObject({ visit: VISIT, reasons: [{ finding_key: "allergy:penicillins:amoxicillin", reason: "Tolerated in 2024" }], line: { drug_key: "amoxicillin-500mg-capsule", quantity: 9 } });
  });

  it("lets another be chosen instead", async () => {
    const { user } = start({ as: "doctor", at: AT });
    await user.type(await screen.findByLabelText("Add a medicine"), "amox");
    await user.click(await screen.findByRole("option", { name: /Amoxicillin/ }));
    await user.click(await screen.findByRole("button", { name: "Choose another" }));
    expect(await screen.findByLabelText("Add a medicine")).toBeTruthy();
    expect(fake.callsOf("prescribe")).toHaveLength(0);
  });

  it("checks again as the dose changes", async () => {
    const { user } = start({ as: "doctor", at: AT });
    await user.type(await screen.findByLabelText("Add a medicine"), "paracetamol 500");
    await user.click(await screen.findByRole("option", { name: /Paracetamol 500/ }));
    const dose = await screen.findByLabelText("Dose");
    await user.clear(dose);
    await user.type(dose, "3");
    expect(await screen.findByText(/1500 mg of paracetamol at a time; the most is 1000 mg/)).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Prescribe" }).disabled).toBe(true);
  });

  it("removes a line, and undoes it", async () => {
    const { user } = start({ as: "doctor", at: AT, scene: "recorded" });
    await user.click(await screen.findByRole("button", { name: "Remove Paracetamol 500 mg tablet" }));
    await waitFor(() => expect(visit().lines).toHaveLength(0));
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(visit().lines).toHaveLength(1));
  });
});

describe("the consult", () => {
  it("lists who waits, and opening brings the patient in", async () => {
    const { user } = start({ as: "doctor", at: "/consult" });
    await user.click(await screen.findByRole("button", { name: "Bring in A03" }));
    await screen.findByRole("heading", { name: "TAN SIEW LING" });
    await waitFor(() => expect(fake.callsOf("setQueueState")[0]).toEqual([id(3, 5), "in_consult"]));
  });

  it("is accessible in both languages, as a draft and signed", async () => {
    for (const language of ["en", "ms"] as const)
      for (const scene of ["recorded", "signed"]) {
        const { unmount } = start({ as: "doctor", at: AT, scene, language });
        await screen.findByRole("heading", { name: "NUR AISYAH BINTI RAHMAN" });
        await expectAccessible();
        unmount();
      }
    expect(PATIENT).toBe(id(1, 3));
  });
});
