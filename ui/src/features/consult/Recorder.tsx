import { Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconChevronDown, IconFileMusic, IconMicrophone, IconPlayerStopFilled, IconRefresh, IconTestPipe } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, type SoundSource, type VisitView } from "@/api";
import { useLive } from "@/api/live";
import { pickFile } from "@/api/native";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { ErrorNote } from "@/components/ErrorNote";
import { clock } from "@/lib/time";
import styles from "./Recorder.module.css";

/**
 * From a microphone, or from a WAV file through the very same pipeline.
 *
 * The same buttons stand in the same place in every state: what cannot be done now is disabled, never gone, and the
 * state has a line of its own below them. So nothing slips under a finger when a recording or its text ends.
 */
export function Recorder({ view, children }: { view: VisitView; children: ReactNode }) {
  const { t } = useTranslation();
  const { data: app } = useQuery(queries.appState());
  const { data: status } = useQuery(queries.status());
  const microphones = useQuery(queries.microphones());
  const live = useLive(view.visit);
  const tag = [`visit:${view.visit}`];
  const start = useWrite((source: SoundSource) => api.startRecording(view.visit, source), tag);
  const stop = useWrite((recording: string) => api.stopRecording(recording), tag);
  const resume = useWrite((recording: string) => api.resumeTranscription(recording), tag);
  const last = view.recordings.at(-1);
  const state = last?.state;
  const running = state === "recording" || state === "transcribing";
  const mine = live && live.recording === last?.id ? live : undefined;
  const length = Math.max(last?.length_ms ?? 0, mine?.length_ms ?? 0);
  const demo = app?.demo?.consult_wav;
  const fromFile = async () => {
    const path = await pickFile({ name: "WAV", extensions: ["wav"] });
    if (path) start.mutate({ kind: "wav", path, fast: false });
  };

  return (
    <div className={styles.recorder} data-recording={state ?? "none"}>
      <div className={styles.actions}>
        <Button.Group>
          <Button
            className={styles.record}
            variant={last ? "default" : "light"}
            leftSection={<IconMicrophone size="1.125rem" aria-hidden />}
            disabled={running || !status?.scribe.microphone}
            loading={start.isPending}
            onClick={() => start.mutate({ kind: "microphone", device: null })}
          >
            {last ? t("consult.recorder.again") : t("consult.recorder.record")}
          </Button>
          <Menu position="bottom-start" width={300}>
            <Menu.Target>
              <Button variant={last ? "default" : "light"} px={10} disabled={running} aria-label={t("consult.recorder.sources")}>
                <IconChevronDown size="1.0625rem" aria-hidden />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {microphones.data?.map((m) => (
                <Menu.Item key={m.id} mih={44} leftSection={<IconMicrophone size="1.125rem" aria-hidden />} onClick={() => start.mutate({ kind: "microphone", device: m.id })}>
                  {m.name}
                </Menu.Item>
              ))}
              <Menu.Item mih={44} leftSection={<IconFileMusic size="1.125rem" aria-hidden />} onClick={() => void fromFile()}>
                {t("consult.recorder.fromFile")}
              </Menu.Item>
              {demo && (
                <>
                  <Menu.Divider />
                  <Menu.Item mih={44} leftSection={<IconTestPipe size="1.125rem" aria-hidden />} onClick={() => start.mutate({ kind: "wav", path: demo, fast: true })}>
                    {t("consult.recorder.demoFast")}
                  </Menu.Item>
                  <Menu.Item mih={44} leftSection={<IconTestPipe size="1.125rem" aria-hidden />} onClick={() => start.mutate({ kind: "wav", path: demo, fast: false })}>
                    {t("consult.recorder.demoSlow")}
                  </Menu.Item>
                </>
              )}
            </Menu.Dropdown>
          </Menu>
        </Button.Group>
        <Button
          color="red"
          variant="light"
          leftSection={<IconPlayerStopFilled size="1.0625rem" aria-hidden />}
          disabled={state !== "recording"}
          loading={stop.isPending}
          onClick={() => last && stop.mutate(last.id)}
        >
          {t("consult.recorder.stop")}
        </Button>
        <span className={styles.push} />
        {children}
      </div>
      <div className={styles.state} data-testid="recorder-state">
        {state === "recording" && (
          <>
            <span className={styles.redDot} aria-hidden />
            <strong className={styles.clock}>{clock(length)}</strong>
          </>
        )}
        <span role="status" className={styles.words} data-state={state}>
          {state === "recording" ? t("consult.recorder.recording") : state ? t(`consult.recorder.state.${state}`, { length: clock(length) }) : t("consult.recorder.state.none")}
        </span>
        {state === "recording" && <Levels levels={mine?.levels ?? []} />}
        {last?.demo_model && <Badge tone="plain">{t("common.demoModel")}</Badge>}
        <span className={styles.push} />
        {(state === "interrupted" || state === "failed" || state === "postponed") && last && (
          <Button size="compact-md" h={36} variant="light" leftSection={<IconRefresh size="1.0625rem" aria-hidden />} loading={resume.isPending} onClick={() => resume.mutate(last.id)}>
            {t("consult.recorder.resume")}
          </Button>
        )}
      </div>
      <ErrorNote error={start.error ?? stop.error ?? resume.error ?? (mine?.error ? { code: mine.error } : null)} />
    </div>
  );
}

function Levels({ levels }: { levels: number[] }) {
  const { t } = useTranslation();
  return (
    <span className={styles.levels} role="img" aria-label={t("consult.recorder.levels", { count: levels.length })}>
      {levels.map((level, channel) => (
        // oxlint-disable-next-line react/no-array-index-key
        <span key={channel} className={styles.level}>
          <span style={{ width: `${level}%` }} />
        </span>
      ))}
    </span>
  );
}
