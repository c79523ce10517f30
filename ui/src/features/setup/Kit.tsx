import { Button, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconAlertTriangle, IconDeviceFloppy, IconPrinter } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api";
import { saveAs } from "@/api/native";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import { Qr } from "@/components/Qr";
import styles from "./Setup.module.css";

/** Two places among the words, told by the device; asked for after the words were printed or saved. */
export function twoPlaces(count: number): [number, number] {
  const [a = 0, b = 0] = crypto.getRandomValues(new Uint32Array(2));
  const first = a % count;
  const second = (first + 1 + (b % (count - 1))) % count;
  return first < second ? [first, second] : [second, first];
}

/** The recovery kit: shown, printed or saved, then confirmed by two of its words. */
export function Kit() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: kit, error } = useQuery(queries.recoveryKit());
  const [checking, setChecking] = useState(false);
  const [typed, setTyped] = useState(["", ""]);
  const places = useMemo(() => twoPlaces(kit?.words.length ?? 24), [kit]);
  const save = useWrite((path: string) => api.saveRecoveryKit(path));
  const confirm = useWrite(() => api.confirmRecoveryKit(places, typed.map((w) => w.trim().toLowerCase())));
  const saveFile = async () => {
    const path = await saveAs("medieco-recovery-kit.txt", { name: t("setup.kit.file"), extensions: ["txt"] });
    if (path) save.mutate(path, { onSuccess: () => notify(t("setup.kit.saved")) });
  };
  const done = () => {
    void client.invalidateQueries({ queryKey: queries.appState().queryKey });
    client.removeQueries({ queryKey: queries.recoveryKit().queryKey });
  };
  return (
    <section className={styles.form}>
      <h1 className={styles.title}>{checking ? t("setup.kit.check") : t("setup.kit.title")}</h1>
      <ErrorNote error={error} />
      {kit && !checking && (
        <>
          <p className={styles.lead}>{t("setup.kit.lead", { clinic: kit.clinic_name })}</p>
          <ol className={styles.words} data-testid="kit-words">
            {kit.words.map((word, i) => (
              <li key={`${i + 1}-${word}`}>
                <span>{i + 1}</span>
                <strong>{word}</strong>
              </li>
            ))}
          </ol>
          <figure className={styles.kitPicture}>
            <Qr svg={kit.qr_svg} label={t("setup.kit.qr")} />
            <figcaption className={styles.lead}>{t("setup.kit.qrHelp")}</figcaption>
          </figure>
          <p className={styles.warning}>
            <IconAlertTriangle size="1.25rem" aria-hidden />
            {t("setup.kit.warning")}
          </p>
          <ErrorNote error={save.error} />
          <div className={`${styles.actions} no-print`}>
            <Button variant="default" leftSection={<IconPrinter size="1.125rem" aria-hidden />} onClick={() => window.print()}>
              {t("setup.kit.print")}
            </Button>
            <Button variant="default" leftSection={<IconDeviceFloppy size="1.125rem" aria-hidden />} loading={save.isPending} onClick={() => void saveFile()}>
              {t("setup.kit.save")}
            </Button>
            <Button onClick={() => setChecking(true)}>{t("setup.kit.kept")}</Button>
          </div>
        </>
      )}
      {kit && checking && (
        <form
          className={styles.form}
          onSubmit={(e) => {
            e.preventDefault();
            confirm.mutate(undefined, { onSuccess: done });
          }}
        >
          <p className={styles.lead}>{t("setup.kit.checkLead")}</p>
          <div className={styles.two}>
            {places.map((place, i) => (
              <TextInput
                key={place}
                label={t("setup.kit.wordNo", { n: place + 1 })}
                data-testid={`kit-word-${place}`}
                autoComplete="off"
                spellCheck={false}
                autoFocus={i === 0}
                value={typed[i] ?? ""}
                onChange={(e) => {
                  const { value } = e.currentTarget;
                  setTyped((old) => old.map((w, j) => (j === i ? value : w)));
                }}
              />
            ))}
          </div>
          <ErrorNote error={confirm.error} />
          <div className={styles.actions}>
            <Button variant="default" onClick={() => setChecking(false)}>
              {t("setup.kit.seeAgain")}
            </Button>
            <Button type="submit" disabled={typed.some((w) => !w.trim())} loading={confirm.isPending}>
              {t("setup.kit.confirm")}
            </Button>
          </div>
        </form>
      )}
    </section>
  );
}
