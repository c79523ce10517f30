import { waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { HandOver } from "@/api";
import { enterPin, expectAccessible, fake, id, PINS, screen, start, within } from "./app";

const AT = `/dispense/${id(2, 4)}`;

describe("the pharmacy", () => {
  it("shows checks, the doctor's reason, and the label as it will print", async () => {
    const { user } = start({ as: "pharmacist", at: "/dispense" });
    await user.click(await screen.findByRole("button", { name: "A02, AHMAD FIRDAUS BIN HASSAN" }));
    expect(await screen.findByText("Short course; ECG normal in August.")).toBeTruthy();
    const label = await screen.findByRole<HTMLImageElement>("img", { name: "Label of Paracetamol 500 mg tablet" });
    expect(label.src).toMatch(/^data:image\/png;base64,/);
    await user.click(screen.getByRole("button", { name: "Show the label of Loratadine 10 mg tablet" }));
    expect(await screen.findByRole("img", { name: "Label of Loratadine 10 mg tablet" })).toBeTruthy();
  });

  it("prints and hands over by the PIN of who hands over; a wrong PIN hands nothing over", async () => {
    const { user } = start({ as: "pharmacist", at: AT });
    await user.click(await screen.findByRole("button", { name: "Print labels and hand over" }));
    const dialog = await screen.findByRole("dialog");
    const confirm = within(dialog).getByRole("button", { name: "Print labels and hand over" });
    await enterPin(user, "111111");
    await user.click(confirm);
    expect(await within(dialog).findByText("Wrong PIN. Please try again.")).toBeTruthy();
    (document.activeElement as HTMLElement).blur();
    await enterPin(user, PINS.pharmacist);
    await user.click(confirm);
    expect((await screen.findByTestId("dispensed")).textContent).toContain("Farid bin Osman");
    const handed = fake.callsOf("handOver").at(-1)?.[0] as { lines: string[] };
    expect(handed.lines).toHaveLength(3);
    expect(fake.callsOf("printLabels")).toHaveLength(1);
  });

  it("wants a reason for an alert that came up after signing, and sends it with the medicine", async () => {
    const { user } = start({ as: "pharmacist", at: AT, scene: "late-alert" });
    expect(await screen.findByText(/Allergic to Penicillin/)).toBeTruthy();
    const give = () => screen.getByRole<HTMLButtonElement>("button", { name: "Print labels and hand over" });
    expect(give().disabled).toBe(true);
    expect(give().getAttribute("aria-describedby")).toBe(screen.getByText(/An alert came up after signing/).id);
    // Without that medicine nothing stands in the way.
    await user.click(screen.getByRole("checkbox", { name: "Hand over Amoxicillin 500 mg capsule" }));
    expect(give().disabled).toBe(false);
    await user.click(screen.getByRole("checkbox", { name: "Hand over Amoxicillin 500 mg capsule" }));
    const reason = screen.getByLabelText("Your reason for handing it over");
    await user.type(reason, "   ");
    expect(give().disabled).toBe(true);
    await user.type(reason, "Dr Aisyah agreed by telephone");
    expect(give().disabled).toBe(false);
    await expectAccessible();
    await user.click(give());
    const dialog = await screen.findByRole("dialog");
    await enterPin(user, PINS.pharmacist);
    await user.click(within(dialog).getByRole("button", { name: "Print labels and hand over" }));
    await screen.findByTestId("dispensed");
    const handed = fake.callsOf("handOver")[0]?.[0] as HandOver;
    expect(handed.lines).toHaveLength(2);
    expect(handed.reasons).toEqual([{ finding_key: "allergy:penicillins:amoxicillin", reason: "Dr Aisyah agreed by telephone" }]);
  });

  it("leaves out what is not handed over now", async () => {
    const { user } = start({ as: "pharmacist", at: AT });
    await user.click(await screen.findByRole("checkbox", { name: "Hand over Loratadine 10 mg tablet" }));
    await user.click(screen.getByRole("button", { name: "Print labels" }));
    await waitFor(() => expect(fake.callsOf("printLabels")[0]?.[1]).toHaveLength(2));
  });

  it("asks whether a label came out, and reprints only with a reason", async () => {
    const { user } = start({ as: "pharmacist", at: AT });
    await user.click(await screen.findByRole("button", { name: "Labels" }));
    const drawer = await screen.findByRole("dialog");
    await user.click(await within(drawer).findByRole("button", { name: "Yes, it is here" }));
    expect(fake.callsOf("answerPrint")[0]).toEqual([id(1, 8), true]);
    await user.click((await within(drawer).findAllByRole("button", { name: "Print it again…" }))[0] as HTMLElement);
    await user.type(within(drawer).getByLabelText("Why again?"), "Smudged{Enter}");
    expect(fake.callsOf("reprint")).toHaveLength(0);
    await user.click(within(drawer).getByRole("button", { name: "Print again" }));
    await waitFor(() => expect(fake.callsOf("reprint")[0]?.[1]).toBe("Smudged"));
  });

  it("is accessible in both languages", async () => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "pharmacist", at: AT, language });
      await screen.findByText("Short course; ECG normal in August.");
      await expectAccessible();
      unmount();
    }
  });
});
