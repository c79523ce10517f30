import { Button, Chip, Switch, Textarea, TextInput } from "@mantine/core";
import i18next from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type EntryView, type OwnEntry } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import styles from "./Network.module.css";
import { specialtyWords } from "./specialties";

/** What this clinic says of itself in the directory: an admin changes it on an admin's device. */
export function OwnEntryCard({ own, specialties }: { own: OwnEntry; specialties: string[] }) {
  const { t } = useTranslation();
  const [entry, setEntry] = useState<EntryView>(own.entry);
  const publish = useWrite((input: EntryView) => api.publishEntry(input), ["directory"]);
  const withdraw = useWrite(() => api.withdrawEntry(), ["directory"]);
  const set = (part: Partial<EntryView>) => setEntry({ ...entry, ...part });
  const chosen = [...specialties, ...entry.specialties.filter((code) => !specialties.includes(code))];
  const why = own.refused && i18next.exists(`network.entry.refused.${own.refused}`) ? own.refused : "other";
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="own-entry">
      <h2 className={page.h2} id="own-entry">
        {t("network.entry.title")}
      </h2>
      <p role="status" data-entry={own.state}>
        {own.state === "refused" ? t(`network.entry.refused.${why as "other"}`) : t(`network.entry.state.${own.state}`)}
      </p>
      {own.needs_admin_device && <p className={page.muted}>{t("network.entry.adminDevice")}</p>}
      {own.may_edit && (
        <form
          className={styles.stack}
          onSubmit={(e) => {
            e.preventDefault();
            publish.mutate(entry);
          }}
        >
          <p className={page.muted}>{t("network.entry.help")}</p>
          <TextInput label={t("network.entry.name")} required maxLength={100} value={entry.name} onChange={(e) => set({ name: e.currentTarget.value })} />
          <TextInput label={t("network.entry.telephone")} maxLength={40} value={entry.telephone} onChange={(e) => set({ telephone: e.currentTarget.value })} />
          <Textarea label={t("network.entry.address")} autosize minRows={2} maxLength={300} value={entry.address} onChange={(e) => set({ address: e.currentTarget.value })} />
          <fieldset className={styles.choices}>
            <legend>{t("network.entry.specialties")}</legend>
            <Chip.Group multiple value={entry.specialties} onChange={(codes) => set({ specialties: codes })}>
              {chosen.map((code) => (
                <Chip key={code} value={code} size="lg" radius="md">
                  {specialtyWords(code)}
                </Chip>
              ))}
            </Chip.Group>
          </fieldset>
          <Switch label={t("network.entry.accepts")} checked={entry.accepts_referrals} onChange={(e) => set({ accepts_referrals: e.currentTarget.checked })} />
          <ErrorNote error={publish.error ?? withdraw.error} />
          <div className={styles.right}>
            {own.state !== "none" && (
              <Button variant="default" loading={withdraw.isPending} onClick={() => withdraw.mutate()}>
                {t("network.entry.withdraw")}
              </Button>
            )}
            <Button type="submit" loading={publish.isPending} disabled={!entry.name.trim()}>
              {t("network.entry.publish")}
            </Button>
          </div>
        </form>
      )}
    </section>
  );
}
