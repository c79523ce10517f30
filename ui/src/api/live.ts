/** Events of the backend, fed into the query cache; and the live line of a running recording. */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { onBackupTold } from "./backup";
import { events, type RecordingProgress, type RecordingView, type VisitView } from "./index";
import { onMakingReady } from "./makingReady";
import { onModelImport } from "./modelImport";
import { queries, spoil } from "./queries";

export type Live = Pick<RecordingProgress, "recording" | "state" | "length_ms" | "levels" | "partial" | "error">;

const RUNNING: RecordingProgress["state"][] = ["recording", "transcribing", "postponed"];
const live = new Map<string, Live>();
const listeners = new Set<() => void>();

/** The running recording of a visit, as last told; `undefined` when none runs. */
export function useLive(visit: string): Live | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => live.get(visit),
  );
}

function mergeTurn(view: RecordingView, progress: RecordingProgress): RecordingView {
  const { turn } = progress;
  const turns = turn
    ? [...view.turns.filter((t) => t.span.start_ms !== turn.span.start_ms), turn].sort((a, b) => a.span.start_ms - b.span.start_ms)
    : view.turns;
  return { ...view, turns, state: progress.state, length_ms: Math.max(view.length_ms, progress.length_ms) };
}

export function onProgress(client: QueryClient, progress: RecordingProgress) {
  const { queryKey } = queries.visit(progress.visit);
  const known = client.getQueryData(queryKey)?.recordings.some((r) => r.id === progress.recording);
  if (known) {
    client.setQueryData(queryKey, (old: VisitView | undefined) =>
      old && {
        ...old,
        recordings: old.recordings.map((r) => (r.id === progress.recording ? mergeTurn(r, progress) : r)),
      },
    );
  }
  // An answer that is on its way may be older than this: the last word is read again.
  if (!known || !RUNNING.includes(progress.state)) void client.invalidateQueries({ queryKey });
  const { recording, state, length_ms, levels, partial, error } = progress;
  live.set(progress.visit, { recording, state, length_ms, levels, partial, error });
  for (const listener of listeners) listener();
}

/** Listens until the returned function is called. */
export function listenToBackend(client: QueryClient): () => void {
  const heard = [
    events.spoiled.listen(({ payload }) => void spoil(client, payload.tags)),
    events.statusChanged.listen(({ payload }) => {
      client.setQueryData(queries.status().queryKey, payload);
      void client.invalidateQueries({ queryKey: queries.printJobs().queryKey });
      void client.invalidateQueries({ queryKey: queries.backupState().queryKey });
    }),
    events.backupProgress.listen(({ payload }) => onBackupTold(payload)),
    events.makingReady.listen(({ payload }) => onMakingReady(client, payload)),
    events.modelImport.listen(({ payload }) => onModelImport(payload)),
    events.recordingProgress.listen(({ payload }) => onProgress(client, payload)),
  ];
  return () => {
    for (const unlisten of heard) void unlisten.then((stop) => stop());
  };
}
