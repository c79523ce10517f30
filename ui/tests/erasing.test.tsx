import { waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { enterPin, expectAccessible, fake, id, screen, start, within } from "./app";

const OWNER = () => Object.values(fake.state.pins)[fake.state.faces.findIndex((f) => f.role === "owner")] ?? "";

describe("erasing a record", () => {
  it("is offered to owners and admins only", async () => {
    const { unmount } = start({ as: "owner", at: `/patients/${id(2, 3)}` });
    expect(await screen.findByRole("button", { name: "Erase…" })).toBeTruthy();
    unmount();
    start({ as: "doctor", at: `/patients/${id(2, 3)}` });
    await screen.findByRole("heading", { level: 1 });
    expect(screen.queryByRole("button", { name: "Erase…" })).toBeNull();
  });

  it("shows what goes and what has to stay before it asks for the PIN", async () => {
    const { user } = start({ as: "owner", at: `/patients/${id(2, 3)}` });
    await user.click(await screen.findByRole("button", { name: "Erase…" }));
    const preview = await screen.findByTestId("erasure-preview");
    expect(preview.textContent).toContain("1 recording, 1 document in all");
    expect(preview.textContent).toContain("Has to stay until 22 Nov 2033");
    expect(preview.textContent).toContain("3 visits, 7 signed entries");
    const dialog = screen.getByRole("dialog");
    expect(within(dialog).getByRole<HTMLInputElement>("radio", { name: "The time for keeping it is over" }).disabled).toBe(true);
    await expectAccessible(dialog.querySelector(".mantine-Modal-body") as Element);
    await user.click(within(dialog).getByRole("button", { name: "Continue" }));
    await screen.findByRole("button", { name: "Erase for ever" });
    await enterPin(user, OWNER());
    await user.click(screen.getByRole("button", { name: "Erase for ever" }));
    await waitFor(() => expect(fake.callsOf("erasePatient")).toEqual([[{ patient: id(2, 3), reason: "patients_right", pin: OWNER() }]]));
    expect(await screen.findByText("Erased.")).toBeTruthy();
  });

  it("leaves the page of a record that is gone", async () => {
    const { user } = start({ as: "owner", at: `/patients/${id(2, 3)}`, before: () => void (fake.state.erasure = { ...fake.state.erasure, retention_is_over: true, goes: fake.state.erasure.stays, stays: { documents: 0, visits: 0, recordings: 0, facts: 0 } }) });
    await user.click(await screen.findByRole("button", { name: "Erase…" }));
    await screen.findByTestId("erasure-preview");
    await user.click(screen.getByRole("button", { name: "Continue" }));
    await screen.findByRole("button", { name: "Erase for ever" });
    await enterPin(user, OWNER());
    await user.click(screen.getByRole("button", { name: "Erase for ever" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Patients" })).toBeTruthy();
    expect(fake.callsOf("erasePatient")[0]?.[0]).toMatchObject({ reason: "retention" });
  });

  it("can let the sound go at the signature, for the whole clinic", async () => {
    const { user } = start({ as: "admin", at: "/admin/settings", language: "ms" });
    await user.click(await screen.findByRole("switch", { name: /^Padam bunyi apabila nota ditandatangani/ }));
    await waitFor(() => expect(fake.callsOf("saveClinicChoices")).toEqual([[{ delete_audio_at_sign_off: true }]]));
    await expectAccessible();
  });
});
