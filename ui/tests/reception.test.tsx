import { waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { expectAccessible, fake, screen, start, within } from "./app";

describe("reception", () => {
  it("registers and queues a walk-in by the keyboard alone", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    const number = await screen.findByLabelText("Number");
    number.focus();
    await user.keyboard("850101135028");
    await screen.findByDisplayValue("1/1/1985");
    expect(document.activeElement === screen.getByLabelText("Number")).toBe(true);
    await user.tab();
    expect(screen.getByDisplayValue("850101-13-5028")).toBeTruthy();
    await user.keyboard("AMINAH BINTI SALLEH");
    await user.tab();
    await user.tab();
    await user.tab();
    await user.keyboard("0123456789");
    await user.tab();
    await user.keyboard("Fever{Enter}");
    const done = await screen.findByTestId("queued");
    expect(done.textContent).toContain("AMINAH BINTI SALLEH");
    expect(fake.callsOf("registerAndQueue")[0]).toEqual([
      {
        name: "AMINAH BINTI SALLEH",
        identifier: { kind: "my_kad", number: "850101135028" },
        birth_date: "1985-01-01",
        sex: "female",
        phone: "0123456789",
        address: { lines: "", postcode: "", town: "", state: "" },
      },
      "Fever",
      null,
    ]);
    await waitFor(() => expect(document.activeElement === screen.getByLabelText("Number")).toBe(true));
  });

  it("warns about a number, and never refuses it", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    await user.type(await screen.findByLabelText("Number"), "850101005028");
    expect(await screen.findByText(/Digits 7 and 8/)).toBeTruthy();
    await user.type(screen.getByLabelText("Full name"), "X");
    await user.type(screen.getByLabelText("Reason for the visit"), "Y{Enter}");
    expect(await screen.findByTestId("queued")).toBeTruthy();
  });

  it("finds who is registered already, says why, and queues her instead", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    await user.type(await screen.findByLabelText("Full name"), "firdaus");
    const match = await screen.findByRole("button", { name: /AHMAD FIRDAUS.*same name/ });
    await user.click(match);
    await user.type(screen.getByLabelText("Reason for the visit"), "Review{Enter}");
    await screen.findByTestId("queued");
    expect(fake.callsOf("queuePatient")[0]?.[0]).toMatchObject({ reason: "Review", doctor: null });
    expect(fake.callsOf("registerAndQueue")).toHaveLength(0);
  });

  it("moves a patient along, and undoes it", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    await user.click(await screen.findByText("TAN SIEW LING"));
    await user.click(screen.getByRole("button", { name: "Back to waiting" }));
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    expect(fake.callsOf("setQueueState").map((c) => c[1])).toEqual(["waiting", "called"]);
  });

  it("walks the queue by arrows", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    const table = await screen.findByRole("table", { name: "Queue" });
    await within(table).findByText("TAN SIEW LING");
    const first = within(table).getAllByRole("row")[1] as HTMLElement;
    first.focus();
    await user.keyboard("{ArrowDown}{ArrowDown}");
    expect(document.activeElement?.textContent).toContain("TAN SIEW LING");
  });

  it("teaches when nobody is there", async () => {
    start({ as: "receptionist", at: "/today", scene: "empty" });
    expect(await screen.findByText("Nobody is here yet")).toBeTruthy();
  });

  it("is accessible in both languages", async () => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "receptionist", at: "/today", language });
      await screen.findByText("TAN SIEW LING");
      await expectAccessible();
      unmount();
    }
  });
});

describe("patients", () => {
  it("finds by name and opens the page", async () => {
    const { user } = start({ as: "doctor", at: "/patients" });
    await user.type(await screen.findByLabelText("Name, document number or telephone"), "aisyah");
    await screen.findByText("NUR AISYAH BINTI RAHMAN");
    // The field waits a moment before it asks: Enter opens the first of what is shown then.
    await waitFor(() => expect(screen.getAllByRole("row")).toHaveLength(2));
    await user.keyboard("{Enter}");
    expect(await screen.findByRole("heading", { name: "NUR AISYAH BINTI RAHMAN" })).toBeTruthy();
    expect(await screen.findByText("Tension headache")).toBeTruthy();
  });

  it("searches from anywhere by Ctrl-K", async () => {
    const { user } = start({ as: "doctor", at: "/today" });
    await screen.findByText("TAN SIEW LING");
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByRole("combobox", { name: "Search and commands" }), "siew");
    await screen.findByRole("option", { name: /TAN SIEW LING/ });
    await user.keyboard("{Enter}");
    expect(await screen.findByRole("heading", { name: "TAN SIEW LING" })).toBeTruthy();
  });

  it("is accessible in both languages", async () => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "doctor", at: "/patients/01990003-0000-7000-8000-000000000001", language });
      await screen.findByText("Tension headache");
      await expectAccessible();
      unmount();
    }
  });
});
