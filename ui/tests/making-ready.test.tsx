import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { expectAccessible, expectOnePage, fake, screen, start } from "./app";

const WORDS = {
  en: {
    what: "Getting Klinik Seri Mawar's records ready after the update",
    count: "412,000 of 1,241,000 entries",
    safe: "Nothing is lost if the computer is switched off; it goes on where it was.",
    who: "Who is working?",
    failed: "Klinik Seri Mawar's records are not ready yet",
    full: "The records cannot be opened until there is room again.",
    again: "Try again",
    other: "Another clinic",
    which: "Which clinic?",
  },
  ms: {
    what: "Menyediakan rekod Klinik Seri Mawar selepas kemas kini",
    count: "412,000 daripada 1,241,000 catatan",
    safe: "Tiada apa-apa yang hilang jika komputer dimatikan; kerja ini akan disambung dari tempat ia terhenti.",
    who: "Siapa yang bertugas?",
    failed: "Rekod Klinik Seri Mawar belum siap",
    full: "Rekod tidak dapat dibuka sehingga ada ruang semula.",
    again: "Cuba lagi",
    other: "Klinik lain",
    which: "Klinik yang mana?",
  },
};

const OF = 1_241_000;
const DISK_FULL = { code: "disk_full", detail: { why: "opening" } } as const;

describe.each(["en", "ms"] as const)("a clinic that is made ready after an update (%s)", (language) => {
  const words = WORDS[language];

  it("says which, how far it is, and that nothing is lost", async () => {
    start({ scene: "making-ready", language });
    const bar = await screen.findByRole<HTMLProgressElement>("progressbar", { name: words.what });
    expect([bar.value, bar.max]).toEqual([412_000, OF]);
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Klinik Seri Mawar");
    for (const text of [words.what, words.count, words.safe]) expect(screen.getByText(text)).toBeTruthy();
    await expectOnePage();
    await expectAccessible();
  });

  it("goes on as it is told, and to the sign-in by itself", async () => {
    start({ scene: "making-ready", language });
    const bar = await screen.findByRole<HTMLProgressElement>("progressbar");
    act(() => fake.madeReadySoFar(800_000));
    await waitFor(() => expect(bar.value).toBe(800_000));
    act(() => fake.madeReadySoFar(OF));
    expect(await screen.findByText(words.who)).toBeTruthy();
    expect(screen.queryByRole("progressbar")).toBeNull();
    expect(fake.callsOf("openClinic")).toHaveLength(0);
  });

  it("says why it failed, and tries again", async () => {
    const { user } = start({ scene: "making-ready", language });
    await screen.findByRole("progressbar");
    act(() => fake.madeReadySoFar(500_000, DISK_FULL));
    expect(await screen.findByText(words.failed)).toBeTruthy();
    expect(screen.getByRole("alert").textContent).toContain(words.full);
    await expectOnePage();
    await expectAccessible();
    fake.failNext("openClinic", "disk_full");
    await user.click(screen.getByRole("button", { name: words.again }));
    await waitFor(() => expect(fake.callsOf("openClinic")).toHaveLength(1));
    expect(screen.getByRole("alert").getAttribute("data-error-code")).toBe("disk_full");

    const letGo = fake.hold("openClinic");
    await user.click(screen.getByRole("button", { name: words.again }));
    act(() => fake.madeReadySoFar(600_000));
    expect((await screen.findByRole<HTMLProgressElement>("progressbar")).value).toBe(600_000);
    letGo();
    act(() => fake.madeReadySoFar(OF));
    expect(await screen.findByText(words.who)).toBeTruthy();
  });

  it("lets another clinic be chosen when it failed", async () => {
    const { user } = start({ scene: "making-ready", language });
    await screen.findByRole("progressbar");
    act(() => fake.madeReadySoFar(500_000, DISK_FULL));
    await user.click(await screen.findByRole("button", { name: words.other }));
    expect(await screen.findByText(words.which)).toBeTruthy();
  });
});

describe("a clinic under a passphrase", () => {
  it("is made ready once it is unlocked, and asks for it again when that failed", async () => {
    const { user } = start({ scene: "locked-clinic" });
    const letGo = fake.hold("unlockClinic");
    await user.type(await screen.findByLabelText("Passphrase"), "correct horse battery{Enter}");
    act(() => fake.madeReadySoFar(100_000));
    await screen.findByRole("progressbar");
    act(() => fake.madeReadySoFar(100_000, DISK_FULL));
    await user.click(await screen.findByRole("button", { name: "Try again" }));
    await screen.findByLabelText("Passphrase");
    act(() => fake.madeReadySoFar(200_000));
    await screen.findByRole("progressbar");
    letGo();
    act(() => fake.madeReadySoFar(OF));
    expect(await screen.findByText("Who is working?")).toBeTruthy();
  });
});

it("is asked after: that it is over may have been told before anybody listened", async () => {
  start({ scene: "making-ready" });
  await screen.findByRole("progressbar");
  fake.state.app = { ...fake.state.app, open: fake.state.app.clinics[0]?.tenant ?? null, making_ready: null };
  expect(await screen.findByText("Who is working?")).toBeTruthy();
});
