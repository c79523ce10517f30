import { Button, Modal, NativeSelect, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconClockHour4, IconMail, IconMailOff, IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type KnownClinic, type LetterRow, type LetterView, type SentLetter } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { showMoment } from "@/lib/time";
import { CameRow } from "./CameRow";
import styles from "./Network.module.css";

const MOST_SIGNS = 20_000;

/** Letters from other clinics, letters to them, and writing one. */
export function Letters({ clinics, to }: { clinics: KnownClinic[] | undefined; to: string | undefined }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.letters());
  const [opened, setOpened] = useState<LetterView | null>(null);
  const open = useWrite((row: LetterRow) => api.openLetter(row.from, row.id), ["letters"]);
  return (
    <div className={data?.may_write ? styles.two : styles.stack}>
      <div className={styles.stack}>
        <ErrorNote error={error} />
        <section className={`${page.card} ${styles.list}`} aria-labelledby="letters-received">
          <h2 className={page.h2} id="letters-received">
            {t("network.letters.received")}
          </h2>
          <ErrorNote error={open.error} />
          {data && data.n_put_aside > 0 && <p className={styles.unread}>{t("network.letters.putAside", { count: data.n_put_aside })}</p>}
          {data?.received.map((row) => (
            <Received key={`${row.from}${row.id}`} row={row} busy={open.isPending} onOpen={() => open.mutate(row, { onSuccess: setOpened })} />
          ))}
          {data?.received.length === 0 && <EmptyState records icon={IconMail} title={t("network.letters.empty")} help={t("network.letters.emptyHelp")} />}
        </section>
        <section className={`${page.card} ${styles.list}`} aria-labelledby="letters-sent">
          <h2 className={page.h2} id="letters-sent">
            {t("network.letters.sent")}
          </h2>
          {data?.sent.map((letter) => (
            <Sent key={letter.id} letter={letter} />
          ))}
          {data?.sent.length === 0 && <p className={page.muted}>{t("network.letters.noneSent")}</p>}
        </section>
      </div>
      {data?.may_write && clinics && <Write clinics={clinics.filter(({ verified }) => verified)} to={to} />}
      {opened && <Opened letter={opened} onClose={() => setOpened(null)} />}
    </div>
  );
}

function Write({ clinics, to }: { clinics: KnownClinic[]; to: string | undefined }) {
  const { t } = useTranslation();
  const [clinic, setClinic] = useState(to ?? "");
  const [text, setText] = useState("");
  const send = useWrite((input: { clinic: string; text: string }) => api.sendLetter(input), ["letters"]);
  if (clinics.length === 0) return <p className={page.muted}>{t("network.letters.nobody")}</p>;
  const chosen = clinics.find(({ tenant }) => tenant === clinic);
  return (
    <form
      className={`${page.card} ${styles.box}`}
      aria-labelledby="letters-write"
      onSubmit={(e) => {
        e.preventDefault();
        send.mutate({ clinic, text }, { onSuccess: () => setText("") });
      }}
    >
      <h2 className={page.h2} id="letters-write">
        {t("network.letters.write")}
      </h2>
      <p className={styles.unread}>{t("network.letters.leaves")}</p>
      <NativeSelect
        label={t("network.letters.to")}
        value={clinic}
        onChange={(e) => setClinic(e.currentTarget.value)}
        data={[{ value: "", label: t("network.letters.choose") }, ...clinics.map(({ tenant, name }) => ({ value: tenant, label: name }))]}
      />
      <Textarea label={t("network.letters.text")} autosize minRows={8} maxLength={MOST_SIGNS} autoFocus={Boolean(to)} value={text} onChange={(e) => setText(e.currentTarget.value)} />
      <ErrorNote error={send.error} />
      {send.isSuccess && !text && (
        <p className={styles.good} role="status">
          <IconCheck size="1.1875rem" aria-hidden />
          {t("network.letters.written")}
        </p>
      )}
      <div className={styles.right}>
        <Button type="submit" leftSection={<IconSend size="1.125rem" aria-hidden />} disabled={!chosen || !text.trim()} loading={send.isPending}>
          {t("network.letters.send")}
        </Button>
      </div>
    </form>
  );
}

function Received({ row, busy, onOpen }: { row: LetterRow; busy: boolean; onOpen: () => void }) {
  const { t } = useTranslation();
  const clinic = row.clinic_name || t("network.letters.unknownClinic");
  return (
    <CameRow
      row={row}
      about={row.is_readable ? row.author : t("network.letters.newerKind")}
      state={<Badge tone={row.is_read ? "plain" : "accent"}>{t(row.is_read ? "network.letters.read" : "network.letters.unread")}</Badge>}
      label={t("network.letters.open", { clinic, author: row.author })}
      disabled={!row.is_readable || busy}
      data={{ "data-letter": row.id, "data-read": row.is_read }}
      onOpen={onOpen}
    />
  );
}

const SENT = {
  waits_here: { tone: "amber", icon: IconClockHour4 },
  on_its_way: { tone: "plain", icon: IconClockHour4 },
  at_relay: { tone: "plain", icon: IconClockHour4 },
  delivered: { tone: "green", icon: IconCheck },
  read: { tone: "green", icon: IconCheck },
  expired: { tone: "red", icon: IconMailOff },
  refused: { tone: "red", icon: IconMailOff },
} as const;

function Sent({ letter }: { letter: SentLetter }) {
  const { t } = useTranslation();
  const { tone, icon: Icon } = SENT[letter.state];
  return (
    <details className={styles.sent} data-letter={letter.id} data-state={letter.state}>
      <summary>
        <strong>{letter.clinic_name}</strong>
        <span className={page.muted}>{t("network.letters.by", { author: letter.author, at: showMoment(letter.sent_at) })}</span>
        <span className={page.push}>
          <Badge tone={tone} icon={<Icon size="0.875rem" aria-hidden />}>
            {t(`network.letters.state.${letter.state}`)}
          </Badge>
        </span>
      </summary>
      {letter.state === "expired" && <p className={styles.unread}>{t("network.letters.expiredHelp")}</p>}
      {letter.state === "refused" && <p className={styles.unread}>{t("network.letters.refusedHelp")}</p>}
      <p className={styles.lines}>{letter.text}</p>
    </details>
  );
}

function Opened({ letter, onClose }: { letter: LetterView; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={t("network.letters.from", { clinic: letter.clinic_name })} closeButtonProps={{ "aria-label": t("common.close") }} size={640}>
      <div className={styles.stack}>
        {!letter.verified && <p className={styles.unread}>{t("network.letters.notVerified", { digits: letter.digits })}</p>}
        {letter.doubt && <p className={styles.unread}>{t("network.letters.doubt")}</p>}
        <p className={page.muted}>{t("network.letters.by", { author: letter.author, at: showMoment(letter.written_at) })}</p>
        <p className={styles.lines}>{letter.text}</p>
        <p className={page.muted}>{t("network.letters.inRecord", { name: letter.read_by, at: showMoment(letter.read_at) })}</p>
      </div>
    </Modal>
  );
}
