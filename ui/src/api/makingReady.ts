/** A clinic that is made ready after an update: how far it is stands in `app_state`; why it could not be opened is kept here. */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { type AppState, ApiError, type MakingReadyTold } from "./index";
import { queries } from "./queries";

export interface NotReady {
  tenant: string;
  name: string;
  error: ApiError;
}

let notReady: NotReady | null = null;
const listeners = new Set<() => void>();

function set(next: NotReady | null) {
  notReady = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The clinic that could not be made ready, until it is tried again or left. */
export const useNotReady = () => useSyncExternalStore(subscribe, () => notReady);

/** It is tried again, or something else is opened. */
export const forgetNotReady = () => set(null);

/** Told by the backend, and at the end. */
export function onMakingReady(client: QueryClient, { at, ended, error }: MakingReadyTold) {
  set(error && { tenant: at.tenant, name: at.name, error: ApiError.from(error) });
  const { queryKey } = queries.appState();
  client.setQueryData(queryKey, (old: AppState | undefined) => old && { ...old, making_ready: ended ? null : at });
  if (!ended) return;
  // What is open now, who is signed in there, and all that was read of another clinic.
  if (error) void client.invalidateQueries({ queryKey });
  else void client.resetQueries();
}
