/** A backend of made-up data in the form of the bindings: for tests and for looking at screens. Holds no rule of the clinic. */
import type * as b from "../../src/api/bindings.gen";
import { no } from "./answer";
import { finish, play, playByItself, progress } from "./recordings";
import { scene } from "./scenes";
import { backup, backedUpSoFar } from "./verbs/backup";
import { conflicts } from "./verbs/conflicts";
import { consult } from "./verbs/consult";
import { device, importedSoFar } from "./verbs/device";
import { entering, madeReadySoFar } from "./verbs/entering";
import { erasing } from "./verbs/erasing";
import { letters } from "./verbs/letters";
import { members } from "./verbs/members";
import { pharmacy } from "./verbs/pharmacy";
import { reception } from "./verbs/reception";
import { requests } from "./verbs/requests";
import { sharing } from "./verbs/sharing";
import { sound } from "./verbs/sound";
import { calls, deafen, failing, renew, signInAs, state, tell } from "./world";

export { events } from "./world";

const made = { ...entering, ...reception, ...consult, ...pharmacy, ...sharing, ...letters, ...requests, ...device, ...members, ...backup, ...conflicts, ...erasing, ...sound };
/** Commands that answer only when they are let go. */
const holding = new Map<string, Promise<void>>();

type Commands = typeof made;
/** Each call is noted, and may be told to fail once. */
export const commands = Object.fromEntries(
  Object.entries(made).map(([name, command]) => [
    name,
    (...args: unknown[]) => {
      calls.push({ name, args: structuredClone(args) });
      const failure = failing.get(name);
      if (failure) {
        failing.delete(name);
        return no(failure.code, failure.detail);
      }
      const held = holding.get(name);
      if (held) return held.then(() => (command as (...a: unknown[]) => unknown)(...args));
      return (command as (...a: unknown[]) => unknown)(...args);
    },
  ]),
) as unknown as Commands;

/** The levers of tests and of the dev entry. */
export const fake = {
  get state() {
    return state;
  },
  calls,
  callsOf: (name: string) => calls.filter((c) => c.name === name).map((c) => c.args),
  failNext: (name: string, code: b.ErrorCode, detail: Record<string, string> = {}) => failing.set(name, { code, detail }),
  /** The command answers once the returned function is called. */
  hold: (name: string): (() => void) => {
    let letGo: () => void = () => undefined;
    holding.set(name, new Promise((resolve) => (letGo = resolve)));
    return () => {
      holding.delete(name);
      letGo();
    };
  },
  tell,
  scene,
  signInAs,
  progress,
  importedSoFar,
  backedUpSoFar,
  madeReadySoFar,
  play,
  /** From now on a recording that is started runs by itself. */
  playByItself,
  finish,
  reset() {
    renew();
    calls.length = 0;
    failing.clear();
    holding.clear();
    deafen();
  },
};
