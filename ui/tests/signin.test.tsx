import { describe, expect, it } from "vitest";
import { enterPin, expectAccessible, fake, PINS, screen, start } from "./app";

describe("sign-in", () => {
  it("opens the workspace of the role when the PIN is right", async () => {
    const { user } = start();
    await user.click(await screen.findByRole("button", { name: "Lim Mei Ling, Receptionist" }));
    await enterPin(user, PINS.receptionist);
    expect(await screen.findByRole("heading", { name: "Today" })).toBeTruthy();
    expect(screen.queryByRole("link", { name: "Consult" })).toBeNull();
    expect(screen.queryByRole("link", { name: "Admin" })).toBeNull();
  });

  it("counts wrong PINs, shakes, and waits after the third", async () => {
    const { user, container } = start();
    await user.click(await screen.findByRole("button", { name: /Dr Aisyah/ }));
    await enterPin(user, "000000");
    expect(await screen.findByText("Wrong PIN. Please try again.")).toBeTruthy();
    expect(container.querySelector("[data-refusals='1']")).toBeTruthy();
    await enterPin(user, "000000");
    expect(await screen.findByText("Wrong PIN, 2 times. Please try again.")).toBeTruthy();
    await enterPin(user, "000000");
    expect(await screen.findByText(/Wrong PIN, 3 times. Try again in [34] s./)).toBeTruthy();
    expect((screen.getByRole("button", { name: "5" }) as HTMLButtonElement).disabled).toBe(true);
    expect(fake.callsOf("signIn")).toHaveLength(3);
  });

  it("shows demo PINs in the demo only", async () => {
    const { user, unmount } = start();
    await user.click(await screen.findByRole("button", { name: /Dr Aisyah/ }));
    expect(screen.getByTestId("demo-pin").textContent).toContain(PINS.doctor);
    unmount();
    const again = start({ scene: "no-demo" });
    await again.user.click(await screen.findByRole("button", { name: /Dr Aisyah/ }));
    await screen.findByText("Enter your PIN");
    expect(screen.queryByTestId("demo-pin")).toBeNull();
  });

  it("lets a person who is new on the device choose a PIN, twice the same", async () => {
    const { user } = start();
    await user.click(await screen.findByRole("button", { name: /Siti Hajar/ }));
    await enterPin(user, "111222");
    await enterPin(user, "999999");
    expect(await screen.findByText("The two PINs were not the same. Choose again.")).toBeTruthy();
    await enterPin(user, "111222");
    await enterPin(user, "111222");
    await screen.findByRole("heading", { name: "Today" });
    expect(fake.callsOf("setPin").at(-1)?.[1]).toBe("111222");
  });

  it("asks for the passphrase where the machine has no keyring", async () => {
    const { user } = start({ scene: "locked-clinic" });
    const field = await screen.findByLabelText("Passphrase");
    await user.type(field, "wrong{Enter}");
    expect(await screen.findByText("Wrong passphrase")).toBeTruthy();
    await user.clear(field);
    await user.type(field, "correct horse battery{Enter}");
    expect(await screen.findByText("Who is working?")).toBeTruthy();
  });

  it("is accessible in both languages", async () => {
    for (const language of ["en", "ms"] as const) {
      const { user, unmount } = start({ language });
      await user.click(await screen.findByRole("button", { name: /Dr Aisyah/ }));
      expect(document.documentElement.lang).toBe(language);
      await expectAccessible();
      unmount();
    }
  });
});
