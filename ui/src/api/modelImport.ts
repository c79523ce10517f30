/** Bringing in a speech model: one at a time on this device, so its progress is kept beside the screens, not in one. */
import { type QueryClient, useIsMutating, useMutation, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { api, type ApiError, type ModelChoice, type ModelImport } from "./index";
import { spoil } from "./queries";

export interface Importing extends ModelImport {
  /** When its first byte was told, for how long it will still take. */
  since: number;
}

const KEY = ["import_model"];
let importing: Importing | null = null;
const listeners = new Set<() => void>();

function set(next: Importing | null) {
  importing = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Told by the backend with each percent. */
export function onModelImport(progress: ModelImport) {
  set({ ...progress, since: importing?.since ?? Date.now() });
}

/** Starting one, taking it back, how far it is, and how it ended. It goes on when the screen is left. */
export function useModelImport() {
  const client: QueryClient = useQueryClient();
  const running = useIsMutating({ mutationKey: KEY }) > 0;
  const progress = useSyncExternalStore(subscribe, () => importing);
  const bring = useMutation<ModelChoice, ApiError, string>({
    mutationKey: KEY,
    mutationFn: (path) => {
      set(null);
      return api.importModel(path);
    },
    onSettled: () => {
      set(null);
      return spoil(client, ["settings", "status"]);
    },
  });
  const cancel = useMutation<null, ApiError>({ mutationFn: () => api.cancelModelImport() });
  return { start: bring.mutate, cancel: () => cancel.mutate(), running, progress, brought: bring.data, error: bring.error ?? cancel.error };
}
