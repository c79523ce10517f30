/** Making a backup, and restoring one: one at a time on this device, so how far it is is kept beside the screens, not in one. */
import { useIsMutating, useMutation, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { api, type ApiError, type BackupTold, type BackupView, type RestoreClinic } from "./index";
import { queries, spoil } from "./queries";

const MAKING = ["backup_now"];
const RESTORING = ["restore_clinic"];
let told: BackupTold | null = null;
const listeners = new Set<() => void>();

function set(next: BackupTold | null) {
  told = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Told by the backend with each percent, also of the backup that is made every day by itself. */
export function onBackupTold(progress: BackupTold) {
  set(progress);
}

const useTold = () => useSyncExternalStore(subscribe, () => told);

/** Starting a backup, how far it is, and how it ended. It goes on when the screen is left. */
export function useBackupNow() {
  const client = useQueryClient();
  const running = useIsMutating({ mutationKey: MAKING }) > 0;
  const progress = useTold();
  const make = useMutation<BackupView, ApiError>({
    mutationKey: MAKING,
    mutationFn: () => {
      set(null);
      return api.backupNow();
    },
    onSuccess: (view) => client.setQueryData(queries.backupState().queryKey, view),
    onSettled: () => {
      set(null);
      return spoil(client, ["status"]);
    },
  });
  return { start: () => make.mutate(), running, progress, made: make.isSuccess, error: make.error };
}

/** Restoring a clinic on this device, and how far it is. */
export function useRestore() {
  const running = useIsMutating({ mutationKey: RESTORING }) > 0;
  const progress = useTold();
  const restore = useMutation<null, ApiError, RestoreClinic>({
    mutationKey: RESTORING,
    mutationFn: (input) => {
      set(null);
      return api.restoreClinic(input);
    },
    onSettled: () => set(null),
  });
  return { start: restore.mutate, running, progress, error: restore.error };
}
