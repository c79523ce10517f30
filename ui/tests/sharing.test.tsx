import { fireEvent, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { GrantConsent } from "@/api";
import { untilOf } from "@/lib/agreement";
import { expectAccessible, expectOnePage, fake, PATIENT, screen, start, within } from "./app";

async function toSignPage(user: ReturnType<typeof start>["user"]) {
  await user.click((await screen.findAllByLabelText("Clinic that may see the record"))[0] as HTMLElement);
  await user.click(await screen.findByRole("option", { name: "Klinik Sentosa", hidden: true }));
  await user.click(screen.getByRole("button", { name: "Hand over to the patient" }));
  await user.click(await screen.findByRole("button", { name: "Continue" }));
  const cards = screen.getAllByRole("switch").slice(0, 4);
  expect(cards.map((c) => c.getAttribute("aria-checked"))).toEqual(["false", "false", "false", "false"]);
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Continue" }).disabled).toBe(true);
  await user.click(screen.getByRole("switch", { name: /Visits and notes/ }));
  await user.click(screen.getByRole("switch", { name: /Medicines/ }));
  await user.click(screen.getByRole("button", { name: "Continue" }));
  await user.click(screen.getByRole("radio", { name: /6 months/ }));
  await user.click(screen.getByRole("button", { name: "Continue" }));
}

function sign() {
  const pad = screen.getByTestId("signature");
  fireEvent.pointerDown(pad, { clientX: 10, clientY: 10, pointerId: 1 });
  fireEvent.pointerMove(pad, { clientX: 60, clientY: 40, pointerId: 1 });
  fireEvent.pointerUp(pad, { pointerId: 1 });
}

describe("consent", () => {
  it("says back exactly what was agreed, and nothing was on before she switched it on", async () => {
    const { user } = start({ as: "receptionist", at: `/consent/${PATIENT}` });
    await toSignPage(user);
    const agree = screen.getByRole<HTMLButtonElement>("button", { name: "I agree" });
    expect(agree.disabled).toBe(true);
    sign();
    const before = screen.getByTestId("says-back").textContent;
    await user.click(agree);
    await screen.findByText("Thank you. This is what you agreed to.");
    const said = within(screen.getByTestId("says-back")).getAllByRole("listitem").map((li) => li.textContent);
    expect(said.slice(0, 5)).toEqual([
      "Klinik Seri Mawar shares my records with Klinik Sentosa.",
      "Klinik Sentosa may see: Visits and notes.",
      "Klinik Sentosa may see: Medicines.",
      "Klinik Sentosa will not see: Allergies.",
      "Klinik Sentosa will not see: Recordings.",
    ]);
    expect(screen.getByTestId("says-back").textContent).toBe(before);
    const input = fake.callsOf("grantConsent")[0]?.[0] as GrantConsent;
    expect(input.terms).toMatchObject({ categories: ["encounters", "prescriptions"], mode: "view", sensitive: [], onward: false, purpose: "treatment" });
    expect(input.evidence).toMatchObject({ language: "en", witness: "Lim Mei Ling", guardian: null });
    expect(input.evidence.signature_svg).toMatch(/^M[\d.]+ [\d.]+L/);
  });

  it("keeps the language that she read it in, and can be switched on every page", async () => {
    const { user } = start({ as: "receptionist", at: `/consent/${PATIENT}` });
    await toSignPage(user);
    await user.click(screen.getByRole("button", { name: "Bahasa Malaysia" }));
    expect(await screen.findByText("Klinik Sentosa tidak akan melihat: Alahan.")).toBeTruthy();
    sign();
    await user.click(screen.getByRole("button", { name: "Saya setuju" }));
    await waitFor(() => expect(fake.callsOf("grantConsent")[0]?.[0]).toMatchObject({ evidence: { language: "ms" } }));
  });

  it("locks when the tablet is handed back", async () => {
    const { user } = start({ as: "receptionist", at: `/consent/${PATIENT}` });
    await user.click((await screen.findAllByLabelText("Clinic that may see the record"))[0] as HTMLElement);
    await user.click(await screen.findByRole("option", { name: "Klinik Sentosa", hidden: true }));
    await user.click(screen.getByRole("button", { name: "Hand over to the patient" }));
    await user.click(await screen.findByRole("button", { name: "No, thank you" }));
    expect(await screen.findByText("Who is working?")).toBeTruthy();
    expect(fake.callsOf("lock")).toHaveLength(1);
    expect(fake.callsOf("grantConsent")).toHaveLength(0);
  });

  it("ends what a guardian signs on the day before the 18th birthday", () => {
    expect(untilOf("2026-11-21", 12, "2009-03-14")).toBe("2027-03-13");
    expect(untilOf("2026-11-21", 1, "2009-03-14")).toBe("2026-12-21");
    expect(untilOf("2026-11-21", 12, "1992-03-14")).toBe("2027-11-21");
  });

  it("is accessible on every page, in both languages", async () => {
    const { user } = start({ as: "receptionist", at: `/consent/${PATIENT}` });
    await toSignPage(user);
    for (let i = 0; i < 4; i += 1) {
      await expectOnePage();
      await expectAccessible();
      await user.click(screen.getByRole("button", { name: i % 2 ? "English" : "Bahasa Malaysia" }));
      await expectAccessible();
      const back = screen.queryByRole("button", { name: /^(Back|Kembali)$/ });
      if (back) await user.click(back);
    }
  });
});

describe("network", () => {
  it("revokes by one tap and one question, and keeps the revoked grant in sight", async () => {
    const { user } = start({ as: "doctor", at: "/network" });
    await user.click(await screen.findByRole("button", { name: "Revoke AHMAD FIRDAUS BIN HASSAN for Klinik Sentosa" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("cannot be undone");
    await user.click(within(dialog).getByRole("button", { name: "Revoke now" }));
    await waitFor(() => expect(fake.callsOf("revokeConsent")[0]).toEqual(["c4d1".repeat(8), "patient"]));
    await waitFor(() => expect(document.querySelector(`[data-grant="${"c4d1".repeat(8)}"]`)?.getAttribute("data-state")).toBe("revoked"));
  });

  it("says that the newest are shown where there are more, and counts none of them", async () => {
    const { user } = start({ as: "owner", at: "/network", before: () => void (fake.state.more = true) });
    await screen.findByText("The newest 100 are shown. Each patient's page has all of hers.");
    const tab = screen.getByRole("tab", { name: /Shared with us|Received/ });
    expect(tab.textContent).not.toMatch(/\d/);
    await user.click(tab);
    await screen.findByText("The newest 100 are shown. A patient's visit shows all that is shared about her.");
  });

  it("shows what was withheld as withheld", async () => {
    const { user } = start({ as: "doctor", at: "/network?tab=received" });
    await user.click(await screen.findByRole("button", { name: "Open NUR AISYAH BINTI RAHMAN, shared by Klinik Sentosa" }));
    const allergies = await screen.findByRole("region", { name: "Allergies" });
    expect(allergies.getAttribute("data-shared")).toBe("withheld");
    expect(allergies.textContent).toContain("Withheld: the patient did not share this.");
    expect(screen.getByRole("region", { name: "Visits and notes" }).textContent).toContain("Acute gastroenteritis");
    await user.click(screen.getByRole("button", { name: "Save as FHIR…" }));
    await waitFor(() => expect(fake.callsOf("saveFhir")).toHaveLength(1));
  });

  it("verifies a clinic by its card", async () => {
    const { user } = start({ as: "doctor", at: "/network?tab=clinics" });
    await user.type(await screen.findByLabelText("Text of the card"), "nonsense");
    await user.click(screen.getByRole("button", { name: "Verify clinic" }));
    expect(await screen.findByText("This is no clinic's card")).toBeTruthy();
    await user.clear(screen.getByLabelText("Text of the card"));
    await user.type(screen.getByLabelText("Text of the card"), "MECARD1-XYZ");
    await user.click(screen.getByRole("button", { name: "Verify clinic" }));
    expect(await screen.findByText("Klinik Cahaya is verified.")).toBeTruthy();
  });

  it("tells who saw what, and what was refused and why", async () => {
    start({ as: "doctor", at: "/network?tab=audit" });
    expect(await screen.findByText("refused: revoked")).toBeTruthy();
  });

  it.each(["given", "received", "clinics", "audit"])("is accessible in both languages: %s", async (tab) => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "doctor", at: `/network?tab=${tab}`, language });
      await screen.findByRole("tabpanel");
      await waitFor(() => expect([...document.querySelectorAll("[role=tabpanel]")].map((p) => p.textContent).join("").length).toBeGreaterThan(30));
      await expectAccessible();
      unmount();
    }
  });
});
