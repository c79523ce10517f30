/** A recording that goes as far as a test says, or by itself for somebody who looks at the screens. */
import type * as b from "../../src/api/bindings.gen";
import { TURNS, turnOf } from "./clinical";
import { spoil, tell, visitOf } from "./world";

let byItself = false;
export function playByItself() {
  byItself = true;
}

export function progress(visit: string, recording: string, change: Partial<b.RecordingProgress>) {
  const r = visitOf(visit)?.recordings.find((x) => x.id === recording);
  if (r) {
    if (change.turn) r.turns.push(change.turn);
    r.state = change.state ?? r.state;
    r.length_ms = change.length_ms ?? r.length_ms;
  }
  tell("recordingProgress", { visit, recording, state: "recording", length_ms: 0, levels: [0], turn: null, partial: null, error: null, ...change });
}

export function play(visit: string, recording: string) {
  if (!byItself) return;
  const runs = () => visitOf(visit)?.recordings.find((x) => x.id === recording)?.state === "recording";
  const at = (ms: number, then: () => void) => setTimeout(() => runs() && then(), ms);
  TURNS.forEach((turn, i) => {
    at(300 + i * 700, () => progress(visit, recording, { length_ms: turn[1], levels: [40 + ((i * 13) % 50), 22], partial: turn[4].slice(0, 18), turn: null }));
    at(800 + i * 700, () => progress(visit, recording, { length_ms: turn[1], levels: [12, 60], turn: turnOf(turn, i) }));
  });
  at(1000 + TURNS.length * 700, () => finish(visit, recording));
}

export function finish(visit: string, recording: string) {
  const r = visitOf(visit)?.recordings.find((x) => x.id === recording);
  if (r) r.turns = TURNS.map(turnOf);
  progress(visit, recording, { state: "done", length_ms: 85_840, levels: [] });
  spoil(`visit:${visit}`);
}
