import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, type ApiError, type Span } from "@/api";

/** Plays some seconds of a recording: they are opened for the ear only, and let go afterwards. */
export function usePlay(recording: string | undefined) {
  const playing = useRef<{ audio: HTMLAudioElement; url: string } | null>(null);
  const stop = () => {
    playing.current?.audio.pause();
    if (playing.current) URL.revokeObjectURL(playing.current.url);
    playing.current = null;
  };
  useEffect(() => stop, []);
  const play = useMutation<void, ApiError, Span>({
    mutationFn: async ({ start_ms, end_ms }) => {
      if (!recording) return;
      const base64 = await api.recordingAudio(recording, start_ms, end_ms);
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      stop();
      const url = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
      const audio = new Audio(url);
      playing.current = { audio, url };
      audio.onended = stop;
      await audio.play();
    },
  });
  return { play: (span: Span) => play.mutate(span), error: play.error, canPlay: recording !== undefined };
}
