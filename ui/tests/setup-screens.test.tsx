import { describe, expect, it } from "vitest";
import { expectAccessible, fake, screen, start, within } from "./app";

describe("first start", () => {
  it("joins by invitation, keeps the kit, confirms two words, and finishes", async () => {
    const { user } = start({ scene: "first-start" });
    await user.click(await screen.findByRole("button", { name: /Start a new clinic/ }));
    await user.type(screen.getByLabelText("Invitation"), "MEDIECO1-ABC");
    await user.type(screen.getByLabelText("Name of the clinic"), "Klinik Seri Mawar");
    await user.type(screen.getByLabelText("House, street, area"), "12, Jalan Mawar 2");
    await user.type(screen.getByLabelText("Name with title"), "Dr Aisyah");
    await user.type(screen.getByLabelText("PIN (six digits)"), "246802");
    await user.type(screen.getByLabelText("PIN once more"), "246802");
    await user.click(screen.getByRole("button", { name: "Found the clinic" }));

    const words = within(await screen.findByTestId("kit-words")).getAllByRole("listitem").map((li) => li.querySelector("strong")?.textContent ?? "");
    expect(words).toHaveLength(24);
    expect(screen.getByAltText("The 24 words as a QR code")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Save to a file…" }));
    expect(fake.callsOf("saveRecoveryKit")[0]?.[0]).toMatch(/medieco-recovery-kit\.txt$/);
    await user.click(screen.getByRole("button", { name: "I have kept it" }));

    const fields = screen.getAllByLabelText(/^Word \d+$/);
    expect(fields).toHaveLength(2);
    await user.type(fields[0] as HTMLElement, "nonsense");
    await user.type(fields[1] as HTMLElement, "nonsense");
    await user.click(screen.getByRole("button", { name: "Confirm" }));
    expect(await screen.findByText("These are not the words")).toBeTruthy();
    for (const field of fields) {
      const n = Number(field.getAttribute("data-testid")?.replace("kit-word-", ""));
      await user.clear(field);
      await user.type(field, words[n] ?? "");
    }
    await user.click(screen.getByRole("button", { name: "Confirm" }));
    await user.click(await screen.findByRole("button", { name: /Later|Finish/ }));
    expect(await screen.findByText("Who is working?")).toBeTruthy();
    expect(fake.callsOf("joinClinic")[0]?.[0]).toMatchObject({ clinic_name: "Klinik Seri Mawar", pin: "246802", protection: { kind: "keyring" } });
  });

  it("wants a passphrase of ten characters, twice, where there is no keyring", async () => {
    const { user } = start({ scene: "no-keyring" });
    await user.click(await screen.findByRole("button", { name: /Join an existing clinic/ }));
    await user.type(screen.getByLabelText("Address of the relay"), "wss://relay.example/sync");
    await user.type(screen.getByLabelText("Code"), "7k3m-q9tx");
    const join = screen.getByRole("button", { name: "Join" }) as HTMLButtonElement;
    expect(join.disabled).toBe(true);
    await user.type(screen.getByLabelText("Passphrase"), "four words are good");
    await user.type(screen.getByLabelText("Once more"), "four words are good");
    await user.click(join);
    expect(fake.callsOf("joinByCode")[0]?.[0]).toEqual({ relay: "wss://relay.example/sync", code: "7K3M-Q9TX", device_name: null, protection: { kind: "passphrase", passphrase: "four words are good" } });
  });

  it("takes what a scanner types, asks for no address then, and says what the device is called", async () => {
    const { user } = start({ scene: "first-start" });
    await user.click(await screen.findByRole("button", { name: /Join an existing clinic/ }));
    await user.type(screen.getByLabelText("Name of this device"), "Kaunter");
    await user.type(screen.getByLabelText("Code"), "mediecopair1mm00g5h1qx{Enter}");
    expect(screen.queryByLabelText("Address of the relay")).toBeNull();
    expect(fake.callsOf("joinByCode")[0]?.[0]).toEqual({ relay: "", code: "MEDIECOPAIR1MM00G5H1QX", device_name: "Kaunter", protection: { kind: "keyring" } });
  });

  it.each(["kit", "model"])("is taken up again at the step %s", async (scene) => {
    start({ scene });
    expect(await screen.findByText(scene === "kit" ? "Your recovery kit" : "Turning speech into text")).toBeTruthy();
  });

  it("says what is wrong with an invitation", async () => {
    const { user } = start({ scene: "first-start" });
    fake.failNext("joinClinic", "invitation_expired");
    await user.click(await screen.findByRole("button", { name: /Start a new clinic/ }));
    await user.type(screen.getByLabelText("Invitation"), "MEDIECO1-ABC");
    await user.type(screen.getByLabelText("Name of the clinic"), "K");
    await user.type(screen.getByLabelText("House, street, area"), "L");
    await user.type(screen.getByLabelText("Name with title"), "D");
    await user.type(screen.getByLabelText("PIN (six digits)"), "246802");
    await user.type(screen.getByLabelText("PIN once more"), "246802");
    await user.click(screen.getByRole("button", { name: "Found the clinic" }));
    expect(await screen.findByText("The invitation is too old")).toBeTruthy();
  });

  it.each(["first-start", "kit", "model"])("is accessible in both languages: %s", async (scene) => {
    for (const language of ["en", "ms"] as const) {
      const { user, unmount } = start({ scene, language });
      await screen.findByRole("heading", { level: 1 });
      if (scene === "first-start") await user.click(screen.getAllByRole("button").at(-2) as HTMLElement);
      await expectAccessible();
      unmount();
    }
  });
});
