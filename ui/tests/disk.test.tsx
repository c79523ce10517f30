import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { enterPin, expectAccessible, fake, PATIENT, PINS, screen, start } from "./app";

describe("a full disk", () => {
  it.each([
    ["signed out", {}],
    ["at the counter", { as: "receptionist", at: "/today" }],
    ["in the patient's hands", { as: "receptionist", at: `/consent/${PATIENT}` }],
    ["in the consult", { as: "doctor", at: "/consult" }],
  ] as const)("is in sight %s", async (_, where) => {
    start({ ...where, scene: "disk-full" });
    expect((await screen.findByTestId("disk-full")).textContent).toBe("The disk is full. You can read everything; nothing new can be saved until there is room.");
    await expectAccessible();
  });

  it("comes and goes as the backend tells, also after locking and signing in again", async () => {
    const { user } = start({ as: "receptionist", at: "/today" });
    await screen.findByText("TAN SIEW LING");
    const tell = (disk_full: boolean) =>
      act(() => {
        fake.state.status = { ...fake.state.status, disk_full };
        fake.tell("statusChanged", fake.state.status);
      });
    expect(screen.queryByTestId("disk-full")).toBeNull();
    tell(true);
    expect(await screen.findByTestId("disk-full")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Lock" }));
    await user.click(await screen.findByRole("button", { name: /^Lim Mei Ling/ }));
    expect(screen.getByTestId("disk-full")).toBeTruthy();
    await enterPin(user, PINS.receptionist);
    await screen.findByRole("heading", { name: "Today" });
    expect(screen.getByTestId("disk-full")).toBeTruthy();
    tell(false);
    await waitFor(() => expect(screen.queryByTestId("disk-full")).toBeNull());
  });
});
