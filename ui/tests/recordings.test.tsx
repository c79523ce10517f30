import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { enterPin, expectAccessible, expectOnePage, fake, id, PATIENT, PINS, screen, start, VISIT, within } from "./app";

const SOUND = id(1, 6);
const box = () => screen.findByTestId("recordings");
const row = async () => within(await box()).getByRole("listitem");
const place = (to: (typeof fake.state.sounds)[string]) => {
  fake.state.sounds[SOUND] = to;
  fake.tell("spoiled", { tags: ["recordings"] });
};

describe("the sound of a consult", () => {
  it("is said to be elsewhere, fetched with its size, followed, and played when it is whole", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}`, scene: "sound-elsewhere" });
    await waitFor(async () => expect((await row()).dataset["at"]).toBe("elsewhere"));
    expect((await row()).textContent).toContain("sound not on this device");
    // Within the box: a search by role through the whole screen is slow.
    const found = within(await box());
    expect(found.queryByRole("button", { name: /^Play the recording/ })).toBeNull();
    await user.click(found.getByRole("button", { name: /^Get the sound \(2.7 MB\)/ }));
    expect(fake.callsOf("fetchRecording")).toEqual([[SOUND]]);
    await waitFor(() => expect(found.getByRole("progressbar", { name: "The sound is being fetched" }).getAttribute("aria-valuenow")).toBe("0"));
    await expectAccessible(await box());
    act(() => place({ at: "coming", here: 43, of: 86, no_room: false }));
    expect(await screen.findByText("43 of 86 parts · 50 %")).toBeTruthy();
    act(() => place({ at: "here" }));
    await user.click(await found.findByRole("button", { name: /^Play the recording/ }));
    // An hour is not opened at once.
    await waitFor(() => expect(fake.callsOf("recordingAudio")).toEqual([[SOUND, 0, 60_000]]));
    await user.click(await found.findByRole("button", { name: /^Stop playing/ }));
    expect(await found.findByRole("button", { name: /^Play the recording/ })).toBeTruthy();
  });

  it("can be left alone again, and waits in words while nobody can be reached", async () => {
    const { user } = start({
      as: "doctor",
      at: `/patients/${PATIENT}`,
      scene: "sound-elsewhere",
      language: "ms",
      before: () => {
        fake.state.sounds[SOUND] = { at: "coming", here: 3, of: 86, no_room: false };
        const { sync } = fake.state.status;
        fake.state.status = { ...fake.state.status, sync: { ...sync, connected: false, peers: sync.peers.map((peer) => ({ ...peer, connected: false })) } };
      },
    });
    expect(await screen.findByText(/^Menunggu sehingga geganti/)).toBeTruthy();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: /^Batal mendapatkan/ }));
    expect(fake.callsOf("stopFetchingRecording")).toEqual([[SOUND]]);
    expect(await screen.findByText("bunyi tiada di peranti ini")).toBeTruthy();
  });

  it("does not wait while another device is nearby", async () => {
    start({
      as: "doctor",
      at: `/patients/${PATIENT}`,
      scene: "sound-elsewhere",
      before: () => {
        fake.state.sounds[SOUND] = { at: "coming", here: 3, of: 86, no_room: false };
        const { sync } = fake.state.status;
        fake.state.status = { ...fake.state.status, sync: { ...sync, connected: false, peers: [{ device: "B", found: "announced", connected: true, equal: true, last_contact: null }] } };
      },
    });
    expect(await screen.findByText("3 of 86 parts · 3 %")).toBeTruthy();
    expect(screen.queryByText(/^Waits until/)).toBeNull();
  });

  it("says when there is no room for it, and fetches anew what is damaged here", async () => {
    const { user } = start({ as: "doctor", at: `/patients/${PATIENT}`, scene: "signed", before: () => fake.failNext("recordingAudio", "store_damaged") });
    await user.click(await screen.findByRole("button", { name: /^Play the recording/ }));
    await user.click(await screen.findByRole("button", { name: /^Get the sound/ }));
    expect(fake.callsOf("fetchRecording")).toEqual([[SOUND]]);
    act(() => place({ at: "coming", here: 9, of: 86, no_room: true }));
    expect(await screen.findByText(/^The disk is full/)).toBeTruthy();
    act(() => place({ at: "here" }));
    expect(await screen.findByRole("button", { name: /^Play the recording/ })).toBeTruthy();
  });

  it("that is missing when a sentence is played says so beside the note", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}`, scene: "signed", before: () => fake.failNext("recordingAudio", "sound_missing") });
    await user.click((await screen.findAllByRole("button", { name: /^Play from/ }))[0] as HTMLElement);
    expect((await screen.findByRole("alert")).getAttribute("data-error-code")).toBe("sound_missing");
  });

  it("is nothing that the counter sees", async () => {
    start({ as: "receptionist", at: `/patients/${PATIENT}`, scene: "signed" });
    await expectOnePage();
    expect(screen.queryByTestId("recordings")).toBeNull();
    expect(fake.callsOf("recordingsOf")).toHaveLength(0);
  });

  it("is offered for erasing, not for hearing, to an owner who does not practise", async () => {
    start({ as: "owner", at: `/patients/${PATIENT}`, scene: "signed", before: () => void (fake.state.session = fake.state.session && { ...fake.state.session, practises: false }) });
    expect(await screen.findByRole("button", { name: /^Erase… the recording/ })).toBeTruthy();
    expect(screen.queryByRole("button", { name: /^Play the recording/ })).toBeNull();
  });
});

describe("erasing one recording", () => {
  it("shows what goes and what stays, wants a reason and the PIN, and the row is gone", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}`, scene: "signed" });
    await user.click(await screen.findByRole("button", { name: /^Erase… the recording/ }));
    const says = await screen.findByTestId("erasing-sound");
    expect(says.textContent).toContain("1:25 of sound, what was said (");
    expect(says.textContent).toContain("The signed note with its prescription");
    const dialog = screen.getByRole("dialog");
    await expectAccessible(dialog.querySelector(".mantine-Modal-body") as Element);
    const next = within(dialog).getByRole<HTMLButtonElement>("button", { name: "Continue" });
    expect(next.disabled).toBe(true);
    await user.click(within(dialog).getByRole("radio", { name: "The patient asked for it" }));
    await user.click(next);
    await screen.findByRole("button", { name: "Erase for ever" });
    await enterPin(user, PINS.doctor);
    await user.click(screen.getByRole("button", { name: "Erase for ever" }));
    await waitFor(() => expect(fake.callsOf("eraseRecording")).toEqual([[{ recording: SOUND, reason: "patients_right", pin: PINS.doctor }]]));
    expect(await screen.findByText("The recording is erased.")).toBeTruthy();
    await waitFor(() => expect(screen.queryByTestId("recordings")).toBeNull());
    expect(screen.getByTestId("signed-note")).toBeTruthy();
  });

  it("waits for the signature, and says so", async () => {
    start({ as: "doctor", at: `/patients/${PATIENT}`, scene: "recorded" });
    const button = await screen.findByRole<HTMLButtonElement>("button", { name: /^Erase… the recording/ });
    expect(button.disabled).toBe(true);
    expect(document.getElementById(button.getAttribute("aria-describedby") ?? "")?.textContent).toBe("It can be erased once the note is signed.");
  });

  it("is accessible in both languages, from the patient's page", async () => {
    for (const language of ["en", "ms"] as const) {
      const { unmount, user } = start({ as: "admin", at: `/patients/${PATIENT}`, scene: "signed", language });
      await user.click(await screen.findByRole("button", { name: language === "en" ? /^Erase… the recording/ : /^Padam… rakaman/ }));
      await screen.findByTestId("erasing-sound");
      await expectAccessible(document.querySelector(".mantine-Modal-body") as Element);
      unmount();
    }
  });
});
