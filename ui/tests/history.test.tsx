import { describe, expect, it } from "vitest";
import { expectAccessible, fake, id, PATIENT, screen, start, within } from "./app";

const region = () => screen.findByRole("region", { name: "History" });

describe("a patient's history", () => {
  it("is there for a patient who is not in today's queue: day, doctor, summary, medicines, signed or draft", async () => {
    start({ as: "doctor", at: `/patients/${id(35, 3)}` });
    const ankle = await within(await region()).findByRole("button", { name: /Sprained ankle/ });
    expect(ankle.textContent).toContain("2 Oct 2026");
    expect(ankle.textContent).toContain("Dr Vikram Nair");
    expect(ankle.textContent).toContain("draft, not signed");
    const older = screen.getByRole("button", { name: /Hand, foot and mouth/ });
    expect(older.textContent).toContain("Paracetamol 120 mg/5 ml syrup");
    expect(older.textContent).toContain("signed");
    expect(screen.queryByRole("button", { name: /Open today/ })).toBeNull();
    expect(fake.callsOf("openVisit")).toHaveLength(0);
  });

  it("marks what is kept out of sharing, and opens what other clinics share", async () => {
    const { user } = start({ as: "doctor", at: `/patients/${PATIENT}` });
    expect((await within(await region()).findByRole("button", { name: /Allergic rhinitis/ })).textContent).toContain("kept out of sharing");
    expect(screen.getByRole("button", { name: /Tension headache/ }).textContent).not.toContain("kept out of sharing");
    await user.click(await screen.findByRole("button", { name: /Klinik Sentosa shares 4 entries/ }));
    expect(await screen.findByText("Acute gastroenteritis, mild dehydration.")).toBeTruthy();
  });

  it("opens a visit; a signed one cannot be written in", async () => {
    const { user } = start({ as: "doctor", at: `/patients/${PATIENT}`, scene: "signed" });
    await user.click(await within(await region()).findByRole("button", { name: /Upper respiratory tract infection/ }));
    expect(await screen.findByTestId("signed-note")).toBeTruthy();
    expect(screen.queryByLabelText("Subjective, sentence 1")).toBeNull();
  });

  it("says when there is none, and when it cannot be read", async () => {
    const { unmount } = start({ as: "doctor", at: `/patients/${id(34, 3)}` });
    expect(await screen.findByText("No visits yet")).toBeTruthy();
    unmount();
    start({ as: "doctor", at: `/patients/${PATIENT}`, before: () => fake.failNext("patientHistory", "store_failed") });
    expect((await within(await region()).findByRole("alert")).getAttribute("data-error-code")).toBe("store_failed");
  });

  it("says that it is being read", async () => {
    let letGo = () => {};
    start({ as: "doctor", at: `/patients/${PATIENT}`, before: () => (letGo = fake.hold("patientHistory")) });
    const history = await region();
    expect(history.getAttribute("aria-busy")).toBe("true");
    expect(within(history).getByRole("status").textContent).toBe("Reading earlier visits…");
    await expectAccessible();
    letGo();
    await within(history).findByRole("button", { name: /Tension headache/ });
    expect(history.getAttribute("aria-busy")).toBe("false");
    expect(within(history).queryByRole("status")).toBeNull();
  });

  it("is not asked for by who may not read it", async () => {
    start({ as: "receptionist", at: `/patients/${PATIENT}` });
    expect(await screen.findByText("Seen by the doctor")).toBeTruthy();
    expect(fake.callsOf("patientHistory")).toHaveLength(0);
  });

  it("is accessible in both languages", async () => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "doctor", at: `/patients/${id(35, 3)}`, language });
      await screen.findByText("Sprained ankle");
      await expectAccessible();
      unmount();
    }
  });
});

describe("an owner who does not practise", () => {
  it("is offered nothing that would be refused", async () => {
    const { user, unmount } = start({ as: "owner", at: "/today", scene: "no-registration" });
    await user.click(await screen.findByText("TAN SIEW LING"));
    expect(await screen.findByRole("button", { name: "Patient" })).toBeTruthy();
    for (const name of ["Call next", "Back to waiting", "Open consult"]) expect(screen.queryByRole("button", { name })).toBeNull();
    expect([...document.querySelectorAll("a[data-place]")].map((a) => a.getAttribute("data-place"))).toEqual(["today", "patients", "network", "admin"]);
    unmount();
    start({ as: "owner", at: `/patients/${PATIENT}`, scene: "no-registration" });
    expect(await screen.findByText("Seen by the doctor")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Share with a clinic" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Record an allergy" })).toBeNull();
  });

  it("is offered all of it when she does", async () => {
    start({ as: "owner", at: "/today" });
    await screen.findByText("TAN SIEW LING");
    expect(document.querySelectorAll("a[data-place]")).toHaveLength(6);
  });
});
