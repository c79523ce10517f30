import { Modal } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { IconLock, IconPill, IconSearch, IconUser } from "@tabler/icons-react";
import { type ComponentType, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api";
import { queries } from "@/api/queries";
import { useLock } from "@/api/useLock";
import { MayStillCome } from "@/components/MayStillCome";
import { mayOf } from "@/lib/may";
import { placesOf } from "./places";
import styles from "./Search.module.css";

interface Hit {
  id: string;
  group: "screens" | "patients" | "drugs";
  icon: ComponentType<{ size?: number | string; stroke?: number }>;
  title: string;
  note: string;
  go: () => void;
}

/** Patients, medicines, screens and commands, from one field. Arrows choose, Enter opens; nothing here writes. */
export function Search({ opened, onClose, session }: { opened: boolean; onClose: () => void; session: SessionView }) {
  const { t } = useTranslation();
  return (
    <Modal.Root opened={opened} onClose={onClose} padding={0} size={640} yOffset="10vh" centered={false}>
      <Modal.Overlay />
      <Modal.Content aria-label={t("shell.search.open")}>{opened && <Field onClose={onClose} session={session} />}</Modal.Content>
    </Modal.Root>
  );
}

function Field({ onClose, session }: { onClose: () => void; session: SessionView }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const lock = useLock();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [query] = useDebouncedValue(text.trim(), 80);
  const patients = useQuery({ ...queries.searchPatients(query), enabled: query.length >= 2 });
  const products = useQuery({ ...queries.products(query), enabled: query.length >= 2 && mayOf(session).searchProducts });

  const close = (then: () => void) => () => {
    onClose();
    then();
  };
  const matches = (name: string) => name.toLowerCase().includes(text.trim().toLowerCase());
  const visit = /^\/consult\/([^/]+)/.exec(path)?.[1];
  const hits: Hit[] = [
    ...placesOf(session).map((place) => ({
      id: place.name,
      group: "screens" as const,
      icon: place.icon,
      title: t(`shell.place.${place.name}`),
      note: "",
      go: () => void navigate({ to: place.path }),
    })),
    { id: "lock", group: "screens" as const, icon: IconLock, title: t("shell.lock"), note: "", go: () => void lock() },
  ].filter((hit) => matches(hit.title));
  for (const p of patients.data?.slice(0, 8) ?? []) {
    hits.push({
      id: p.id,
      group: "patients",
      icon: IconUser,
      title: p.name,
      note: [p.identifier_tail, p.age_years === null ? "" : t("time.ageYears", { y: p.age_years }), t(`common.sexShort.${p.sex}`)].filter(Boolean).join(" · "),
      go: () => void navigate({ to: "/patients/$patient", params: { patient: p.id } }),
    });
  }
  for (const p of products.data?.slice(0, 6) ?? []) {
    hits.push({
      id: p.key,
      group: "drugs",
      icon: IconPill,
      title: p.name,
      note: visit ? t("shell.search.prescribe") : "",
      go: () => visit && void navigate({ to: "/consult/$visit", params: { visit }, search: { drug: p.name } }),
    });
  }
  useEffect(() => setAt(0), [query]);
  const chosen = hits[Math.min(at, hits.length - 1)];

  return (
    <div className={styles.box}>
      <div className={styles.field}>
        <IconSearch size="1.25rem" aria-hidden />
        <input
          className={styles.input}
          value={text}
          data-autofocus
          autoComplete="off"
          role="combobox"
          aria-expanded
          aria-controls="search-hits"
          aria-activedescendant={chosen ? `hit-${chosen.id}` : undefined}
          aria-label={t("shell.search.open")}
          placeholder={t("shell.search.hint")}
          onChange={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === "ArrowDown") setAt((i) => Math.min(i + 1, hits.length - 1));
            else if (e.key === "ArrowUp") setAt((i) => Math.max(i - 1, 0));
            else if (e.key === "Enter" && chosen) {
              // Never a patient or a medicine of an older answer.
              if (chosen.group === "screens" || query === text.trim()) close(chosen.go)();
            }
            else return;
            e.preventDefault();
          }}
        />
      </div>
      <div id="search-hits" role="listbox" aria-label={t("shell.search.results")} className={styles.hits}>
        {hits.map((hit, i) => (
          <div key={hit.id}>
            {hit.group !== hits[i - 1]?.group && (
              <p className={styles.group} role="presentation">
                {t(`shell.search.group.${hit.group}`)}
              </p>
            )}
            <div
              id={`hit-${hit.id}`}
              role="option"
              tabIndex={-1}
              aria-selected={hit === chosen}
              className={styles.hit}
              onMouseMove={() => setAt(i)}
              onClick={close(hit.go)}
            >
              <hit.icon size="1.1875rem" stroke={1.7} />
              <span className={styles.title}>{hit.title}</span>
              <span className={styles.note}>{hit.note}</span>
            </div>
          </div>
        ))}
        {hits.length === 0 && (
          <div className={styles.none}>
            <p>{query.length < 2 ? t("shell.search.more") : t("shell.search.none")}</p>
            {query.length >= 2 && <MayStillCome />}
          </div>
        )}
      </div>
    </div>
  );
}
