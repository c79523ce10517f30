import { Button, Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconCloud, IconDownload, IconPlayerPlayFilled, IconPlayerStopFilled, IconTrashX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type PatientId, type SoundView } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { ErrorNote } from "@/components/ErrorNote";
import type { May } from "@/lib/may";
import { clock, showMoment } from "@/lib/time";
import { EraseSound } from "./EraseSound";
import styles from "./Recordings.module.css";
import { useSize } from "./useSize";
import { usePlay } from "./usePlay";

/** One recording: how long, where its sound is, and what may be done with it. The same places hold the same buttons in every state. */
export function OneRecording({ one, patient, may }: { one: SoundView; patient: PatientId; may: May }) {
  const { t } = useTranslation();
  const size = useSize(one.bytes);
  const [erasing, setErasing] = useState(false);
  const { play, stop, isOn, error, forget } = usePlay();
  const fetch = useWrite(() => api.fetchRecording(one.recording), ["recordings"]);
  const cancel = useWrite(() => api.stopFetchingRecording(one.recording), ["recordings"]);
  const at = showMoment(one.started_at);
  const { place } = one;
  // It was here once, and its file is gone or damaged: another device may still have it.
  const lost = place.at === "here" && (error?.code === "sound_missing" || error?.code === "store_damaged");
  return (
    <li className={styles.one} data-recording={one.recording} data-at={place.at}>
      <div className={styles.what}>
        <p className={styles.when}>
          <strong>{at}</strong>
          <span>{clock(one.length_ms)}</span>
          {one.running && <Badge tone="accent">{t("sound.running")}</Badge>}
          <Where one={one} />
        </p>
        {place.at === "coming" && <Coming place={place} />}
      </div>
      <div className={styles.actions}>
        {may.listenAgain && place.at === "here" && !lost && (
          <Button
            variant="light"
            leftSection={isOn ? <IconPlayerStopFilled size="1.0625rem" aria-hidden /> : <IconPlayerPlayFilled size="1.0625rem" aria-hidden />}
            disabled={one.running || one.length_ms === 0}
            aria-label={isOn ? t("sound.stopOf", { at }) : t("sound.playOf", { at })}
            onClick={() => (isOn ? stop() : play({ recording: one.recording, start_ms: 0, end_ms: one.length_ms }))}
          >
            {isOn ? t("sound.stop") : t("sound.play")}
          </Button>
        )}
        {may.listenAgain && (place.at === "elsewhere" || lost) && (
          <Button variant="light" leftSection={<IconDownload size="1.0625rem" aria-hidden />} loading={fetch.isPending} aria-label={t("sound.getOf", { at, size })} onClick={() => fetch.mutate(undefined, { onSuccess: forget })}>
            {t("sound.get", { size })}
          </Button>
        )}
        {may.listenAgain && place.at === "coming" && (
          <Button variant="default" loading={cancel.isPending} aria-label={t("sound.cancelOf", { at })} onClick={() => cancel.mutate()}>
            {t("common.cancel")}
          </Button>
        )}
        {may.eraseRecording && (
          <Button
            variant="subtle"
            color="gray"
            data-erase
            leftSection={<IconTrashX size="1.0625rem" aria-hidden />}
            disabled={!one.signed || one.running}
            aria-label={t("sound.eraseOf", { at })}
            aria-describedby={one.signed ? undefined : `keeps-${one.recording}`}
            onClick={() => setErasing(true)}
          >
            {t("sound.erase")}
          </Button>
        )}
      </div>
      {may.eraseRecording && !one.signed && (
        <p className={styles.note} id={`keeps-${one.recording}`}>
          {t("sound.afterSigning")}
        </p>
      )}
      <ErrorNote error={error ?? fetch.error ?? cancel.error} />
      {erasing && <EraseSound one={one} patient={patient} onClose={() => setErasing(false)} />}
    </li>
  );
}

function Where({ one }: { one: SoundView }) {
  const { t } = useTranslation();
  if (one.place.at === "here")
    return (
      <Badge tone="green" icon={<IconCheck size="0.875rem" aria-hidden />}>
        {t("sound.at.here")}
      </Badge>
    );
  return <Badge icon={<IconCloud size="0.875rem" aria-hidden />}>{t(`sound.at.${one.place.at}`)}</Badge>;
}

/** How far it is; and why it does not get further now, when it goes on by itself later. */
function Coming({ place: { here, of, no_room } }: { place: Extract<SoundView["place"], { at: "coming" }> }) {
  const { t } = useTranslation();
  const { data: status } = useQuery(queries.status());
  const waits = status !== undefined && !status.sync.connected && !status.sync.peers.some((peer) => peer.connected);
  const percent = of > 0 ? Math.floor((here / of) * 100) : 0;
  return (
    <>
      <Progress value={percent} size="lg" aria-label={t("sound.coming")} />
      <p className={styles.note}>{`${t("sound.parts", { here, of })} · ${t("common.percent", { n: percent })}`}</p>
      <p className={styles.note} role="status">
        {no_room ? t("sound.noRoom") : waits && t("sound.waits")}
      </p>
    </>
  );
}
