import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fake } from "../dev/fake";
import { expectAccessible, id, PATIENT, settled, start } from "./app";

const NETWORK = "/network?tab=requests";
const URGENT = "Open the request of Klinik Sentosa, Dr Lim Siew Fong";
const CALM = "Open the request of Klinik Sentosa, Dr Tan Wei Ming";
const openRequest = async (user: ReturnType<typeof start>["user"], name: string) => {
  const list = (await screen.findByRole("heading", { name: "To decide" })).closest("section") as HTMLElement;
  await user.click(await within(list).findByRole("button", { name }));
  return screen.findByRole("dialog");
};

describe("asking another clinic for a record", () => {
  it("goes to verified clinics alone, says what leaves, and wants a reason", async () => {
    const { user } = start({ as: "doctor", at: `/patients/${PATIENT}` });
    await user.click(await screen.findByRole("button", { name: "Ask another clinic" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("are sent to the other clinic");
    const clinic = within(dialog).getByLabelText<HTMLSelectElement>("Clinic");
    expect([...clinic.options].map((o) => o.textContent)).toEqual(["Choose a verified clinic", "Klinik Sentosa", "Klinik Bayu"]);
    const send = within(dialog).getByRole<HTMLButtonElement>("button", { name: "Sign and ask" });
    await user.selectOptions(clinic, "Klinik Bayu");
    expect(send.disabled).toBe(true);
    await user.click(within(dialog).getByLabelText("Emergency"));
    await user.type(within(dialog).getByLabelText("Why, in one line"), "Found unconscious.");
    fake.failNext("askForRecord", "not_now", { why: "asked_enough", most: "30" });
    await user.click(send);
    expect(await within(dialog).findByText(/at most 30 times in 24 hours/)).toBeTruthy();
    await user.click(send);
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(fake.callsOf("askForRecord")[1]).toEqual([{ patient: PATIENT, clinic: "c3".repeat(32), purpose: "emergency", reason: "Found unconscious." }]);
    await waitFor(() => expect(document.querySelector(`[data-asked="${"cd".repeat(16)}"]`)?.textContent).toContain("Waits on this device to be sent."));
  });

  it("says the same of every request without an answer, and opens what was given", async () => {
    const { user } = start({ as: "doctor", at: `/patients/${PATIENT}` });
    const asked = () => [...document.querySelectorAll<HTMLElement>("[data-asked]")];
    await waitFor(() => expect(asked()).toHaveLength(5));
    expect(asked().map((row) => row.dataset["state"])).toEqual(["waiting", "waiting", "answered", "no_answer", "not_sent"]);
    expect(asked()[1]?.textContent).toContain("That does not mean that anybody has looked.");
    expect(asked()[3]?.textContent).toContain("Nothing follows from that about the patient.");
    await user.click(screen.getByRole("button", { name: "Open the record of NUR AISYAH BINTI RAHMAN that Klinik Sentosa gave" }));
    await waitFor(() => expect(document.querySelector("[data-screen=shared-record]")).toBeTruthy());
    expect(fake.callsOf("openAnswer")).toEqual([["3b".repeat(16)]]);
  });

  it("teaches where nothing was asked for, and where no clinic is verified", async () => {
    const { user } = start({ as: "doctor", at: `/patients/${PATIENT}`, before: () => {
      fake.state.requests = { ...fake.state.requests, asked: [] };
      fake.state.clinics = [];
    } });
    expect(await screen.findByText("Nothing was asked for")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Ask another clinic" }));
    expect(await screen.findByText("No verified clinic yet")).toBeTruthy();
  });
});

describe("a request that came", () => {
  it("stands on one word, is answered for whom a person chose, and she is to be told", async () => {
    const { user } = start({ as: "doctor", at: NETWORK });
    const dialog = await openRequest(user, URGENT);
    expect(dialog.textContent).toContain("Only the word of Klinik Sentosa stands behind this.");
    expect(within(dialog).getByTestId("request").textContent).toContain("MyKad 920314-10-5049");
    await user.click(within(dialog).getByRole("button", { name: "Answer…" }));
    // Whatever took the place of what had the focus: it stays in the dialog.
    await waitFor(() => expect(dialog.contains(document.activeElement)).toBe(true));
    const give = within(dialog).getByRole<HTMLButtonElement>("button", { name: "Give the record" });
    expect(give.disabled).toBe(true);
    const hers = await within(dialog).findByRole<HTMLInputElement>("radio", { name: /NUR AISYAH/ });
    expect(hers.checked).toBe(false);
    expect(dialog.textContent).toContain("same document · same name · same date of birth");
    await user.click(hers);
    await user.click(within(dialog).getByLabelText("Emergency: she cannot be asked"));
    expect(within(dialog).queryByText(/Private subjects/)).toBeNull();
    expect(within(dialog).getByText(/it ends with 25 Nov 2026/)).toBeTruthy();
    await user.click(within(dialog).getByLabelText("Allergies"));
    await user.click(give);
    expect(await within(dialog).findByText(/Tell NUR AISYAH BINTI RAHMAN that Klinik Sentosa was given her record/)).toBeTruthy();
    await waitFor(() => expect(dialog.contains(document.activeElement)).toBe(true));
    expect(fake.callsOf("answerRequest")[0]?.[0]).toMatchObject({
      patient: PATIENT,
      how: "not_asked",
      guardian: null,
      terms: { categories: ["allergies"], sensitive: [], purpose: "emergency", until: "2026-11-25", erase_at: "2026-11-25", onward: false, mode: "view" },
    });
  });

  it("is answered for a patient who is looked up, and who was asked, where nobody has the document", async () => {
    const { user } = start({ as: "doctor", at: NETWORK });
    const dialog = await openRequest(user, CALM);
    await user.click(within(dialog).getByRole("button", { name: "Answer…" }));
    expect(dialog.textContent).toContain("No patient of ours has this document.");
    expect(within(dialog).queryByLabelText("Emergency: she cannot be asked")).toBeNull();
    await user.type(within(dialog).getByLabelText("Look a patient up"), "tan siew");
    await user.click(await within(dialog).findByRole("radio", { name: /TAN SIEW LING/ }));
    await user.click(within(dialog).getByLabelText(/^I spoke with her/));
    await user.click(within(dialog).getByLabelText("Visits and notes"));
    await user.click(within(dialog).getByLabelText(/Mental health/i));
    await user.click(within(dialog).getByRole("button", { name: "Give the record" }));
    await waitFor(() => expect(fake.callsOf("answerRequest")).toHaveLength(1));
    expect(fake.callsOf("answerRequest")[0]?.[0]).toMatchObject({ how: "spoken", terms: { purpose: "treatment", sensitive: ["mental_health"], categories: ["encounters"] } });
  });

  it("is declined without anything's leaving, and an unverified clinic is not answered", async () => {
    const { user } = start({ as: "doctor", at: NETWORK });
    let dialog = await openRequest(user, "Open the request of Klinik Cahaya, Dr Ravi a/l Kumar");
    expect(dialog.textContent).toContain("This clinic is not verified");
    expect(dialog.textContent).toContain("has been removed by its clinic");
    expect(within(dialog).getByRole<HTMLButtonElement>("button", { name: "Answer…" }).disabled).toBe(true);
    await user.click(within(dialog).getByRole("button", { name: "Decline" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(await screen.findByText("Declined. Nothing was sent.")).toBeTruthy();
    await waitFor(() => expect(document.querySelector(`[data-request="${"3a".repeat(16)}"]`)?.getAttribute("data-decision")).toBe("declined"));
    await user.click(document.querySelector(`[data-request="${"3a".repeat(16)}"]`) as HTMLElement);
    dialog = await screen.findByRole("dialog");
    expect(within(dialog).queryByRole("button", { name: "Decline" })).toBeNull();
  });

  it("is counted on the tab, and of a flood it is said how many there are", async () => {
    start({ as: "doctor", at: NETWORK });
    await waitFor(() => expect(screen.getByRole("tab", { name: /Requests/ }).textContent).toContain("3"));
    expect(await screen.findByText(/^12 more requests of Klinik Cahaya are kept/)).toBeTruthy();
    expect(screen.getByText(/^1 request comes from a newer version/)).toBeTruthy();
    const rows = [...document.querySelectorAll("[data-request][data-decision=open]")];
    expect(rows[0]?.textContent).toContain("Emergency");
  });

  it("is nothing for the counter, and an empty list teaches", async () => {
    const { unmount } = start({ as: "receptionist", at: NETWORK });
    await screen.findByRole("tab", { name: /Directory/ });
    expect(screen.queryByRole("tab", { name: /Requests/ })).toBeNull();
    unmount();
    const patient = start({ as: "receptionist", at: `/patients/${id(1, 3)}` });
    await settled();
    expect(screen.queryByText("Records at other clinics")).toBeNull();
    patient.unmount();
    start({ as: "doctor", at: NETWORK, scene: "empty" });
    expect(await screen.findByText("No clinic asks for a record")).toBeTruthy();
  });

  it("is accessible in both languages, opened and being answered too", async () => {
    for (const language of ["en", "ms"] as const) {
      const { user, unmount } = start({ as: "doctor", at: NETWORK, language });
      await waitFor(() => expect(document.querySelectorAll("[data-request], [data-asked]").length).toBeGreaterThan(8));
      await expectAccessible();
      await user.click(document.querySelector("[data-request]") as HTMLElement);
      const dialog = await screen.findByRole("dialog");
      await user.click(within(dialog).getByRole("button", { name: language === "en" ? "Answer…" : "Jawab…" }));
      await within(dialog).findByTestId("answer");
      await expectAccessible(dialog.querySelector(".mantine-Modal-body") as Element);
      unmount();
    }
  });
});
