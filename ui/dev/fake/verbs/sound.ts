/** Where recordings lie, and one that goes for ever. What a test does not say otherwise is on this device. */
import type * as b from "../../../src/api/bindings.gen";
import { at, no, ok } from "../answer";
import { rightPin, spoil, state, wrongPin } from "../world";

const BYTES_A_SECOND = 32_000;

function viewOf(visit: b.VisitView, one: b.RecordingView): b.SoundView {
  const running = one.state === "recording" || one.state === "transcribing";
  return {
    recording: one.id,
    visit: visit.visit,
    day: visit.day,
    started_at: at(30),
    length_ms: one.length_ms,
    bytes: (one.length_ms / 1000) * BYTES_A_SECOND,
    turns: one.turns.length,
    signed: visit.note.state === "signed",
    running,
    place: state.sounds[one.id] ?? { at: "here" },
  };
}

const put = (recording: string, place: b.SoundPlace) => {
  state.sounds[recording] = place;
  spoil("recordings");
  return ok(null);
};

export const sound = {
  recordingsOf: (patient: string) => {
    const visits = Object.values(state.visits).filter((view) => view.banner.id === patient);
    return ok(visits.flatMap((view) => view.recordings.map((one) => viewOf(view, one))));
  },
  fetchRecording: (recording: string) => put(recording, { at: "coming", here: 0, of: 86, no_room: false }),
  stopFetchingRecording: (recording: string) => put(recording, { at: "elsewhere" }),
  eraseRecording: ({ recording, pin }: b.EraseRecording) => {
    const view = Object.values(state.visits).find((one) => one.recordings.some((r) => r.id === recording));
    if (!view) return no("not_found");
    if (view.note.state !== "signed") return no("not_signed_yet");
    if (!rightPin(pin)) return wrongPin();
    view.recordings = view.recordings.filter((r) => r.id !== recording);
    spoil("recordings", `visit:${view.visit}`);
    return ok(null);
  },
};
