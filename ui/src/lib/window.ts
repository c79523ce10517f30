/** The one tiny store of the window itself: what is in no query, no form and no URL. */
import { useSyncExternalStore } from "react";

interface WindowState {
  /** The workspace is hidden from the waiting room. */
  blurred: boolean;
  /** Joining one more clinic on this device. */
  adding: boolean;
  /** The clinic whose passphrase is asked for before it can be opened. */
  unlocking: string | null;
}

const START: WindowState = { blurred: false, adding: false, unlocking: null };
let state = START;
const listeners = new Set<() => void>();

export function setWindow(change: Partial<WindowState>) {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

export const windowState = () => state;
export const resetWindow = () => setWindow(START);

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useWindow(): WindowState {
  return useSyncExternalStore(subscribe, windowState);
}
