import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, type ApiError, type Heard } from "@/api";

/** So much of a recording is opened at a time, milliseconds. */
const PIECE_MS = 60_000;

/** Plays some of a recording, piece after piece: each is opened for the ear only, and let go afterwards. */
export function usePlay() {
  const playing = useRef<{ audio: HTMLAudioElement; url: string } | null>(null);
  /** What is asked for later, or nothing any more, takes precedence over a piece that is still being opened. */
  const turn = useRef(0);
  const [isOn, setOn] = useState(false);
  const letGo = () => {
    playing.current?.audio.pause();
    if (playing.current) URL.revokeObjectURL(playing.current.url);
    playing.current = null;
  };
  const stop = () => {
    turn.current += 1;
    letGo();
    setOn(false);
  };
  useEffect(
    () => () => {
      turn.current += 1;
      letGo();
    },
    [],
  );
  const piece = useMutation<void, ApiError, Heard & { mine: number }>({
    mutationFn: async ({ recording, start_ms, end_ms, mine }) => {
      if (!recording) return;
      const until = Math.min(end_ms, start_ms + PIECE_MS);
      const base64 = await api.recordingAudio(recording, start_ms, until);
      if (mine !== turn.current) return;
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      letGo();
      const url = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
      const audio = new Audio(url);
      playing.current = { audio, url };
      audio.onended = () => (until < end_ms ? piece.mutate({ recording, start_ms: until, end_ms, mine }) : stop());
      await audio.play();
    },
    onError: () => setOn(false),
  });
  const play = (heard: Heard) => {
    turn.current += 1;
    letGo();
    setOn(true);
    piece.mutate({ ...heard, mine: turn.current });
  };
  return { play, stop, isOn, error: piece.error, forget: piece.reset };
}
