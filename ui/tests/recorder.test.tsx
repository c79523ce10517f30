import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { RecordingState } from "@/api";
import { fake, screen, start, VISIT } from "./app";

const row = () => screen.getByRole("button", { name: "Stop" }).parentElement as HTMLElement;
/** The buttons of the row in their order, by their place in the tree; "Record" and "Record more" are one button of one width. */
const places = () => [...row().querySelectorAll("button")].map((b) => (b.getAttribute("aria-label") ?? b.textContent ?? "").replace("Record more", "Record"));
const enabled = () => [...row().querySelectorAll("button")].filter((b) => !b.disabled).map((b) => b.getAttribute("aria-label") ?? b.textContent);

describe("the recorder's row", () => {
  it("keeps every action in its place through all states; what cannot be done is disabled, never gone", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}` });
    await screen.findByRole("button", { name: "Stop" });
    await waitFor(() => expect(enabled()).toEqual(["Record", "Other sources of sound"]));
    const first = places();
    const buttons = [...row().querySelectorAll("button")];
    expect(first).toEqual(["Record", "Other sources of sound", "Stop", "Propose a draft"]);
    const stays = () => {
      expect(places()).toEqual(first);
      // The very same elements: nothing was taken away and put back.
      expect([...row().querySelectorAll("button")].every((b, i) => b === buttons[i])).toBe(true);
      expect(screen.getByTestId("recorder-state").previousElementSibling).toBe(row());
    };

    await user.click(buttons[0] as HTMLElement);
    await waitFor(() => expect(enabled()).toEqual(["Stop"]));
    stays();
    const recording = fake.state.visits[VISIT]?.recordings[0]?.id ?? "";
    const states: [RecordingState, string[]][] = [
      ["transcribing", []],
      ["postponed", ["Record more", "Other sources of sound"]],
      ["interrupted", ["Record more", "Other sources of sound"]],
      ["failed", ["Record more", "Other sources of sound"]],
    ];
    for (const [state, usable] of states) {
      act(() => fake.progress(VISIT, recording, { state, length_ms: 4000, levels: [] }));
      await waitFor(() => expect(document.querySelector("[data-recording]")?.getAttribute("data-recording")).toBe(state));
      await waitFor(() => expect(enabled()).toEqual(usable));
      stays();
    }
    act(() => fake.finish(VISIT, recording));
    await waitFor(() => expect(enabled()).toEqual(["Record more", "Other sources of sound", "Propose a draft"]));
    stays();
  });

  it("tells a state once: the running clock is not read out", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}` });
    await user.click(await screen.findByRole("button", { name: "Record" }));
    const state = await screen.findByText("recording");
    expect(state.getAttribute("role")).toBe("status");
    expect(state.textContent).not.toMatch(/\d/);
  });

  it("keeps what is said below the note, so that it folds away without moving a sentence", async () => {
    const { user } = start({ as: "doctor", at: `/consult/${VISIT}` });
    const first = await screen.findByLabelText("Subjective, sentence 1");
    await user.click(screen.getByRole("button", { name: "Record" }));
    const turns = await screen.findByTestId("turns");
    expect(first.compareDocumentPosition(turns) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });
});
