import { Radio, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { RequestMatch, RequestView } from "@/api";
import { queries } from "@/api/queries";
import dialog from "@/components/Dialog.module.css";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { showDay } from "@/lib/time";
import styles from "../Network.module.css";

/** Which patient of ours it is: those with the very document, or one that a person looks up. Nobody is chosen beforehand. */
export function WhichPatient({ request, chosen, onChoose }: { request: RequestView; chosen: string; onChoose: (patient: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [query] = useDebouncedValue(text.trim(), 100);
  const { data, error } = useQuery({ ...queries.searchPatients(query), enabled: query !== "" });
  const matched = new Set(request.matches.map(({ patient }) => patient));
  const found = query === "" ? [] : (data ?? []).filter(({ id }) => !matched.has(id));
  return (
    <div className={styles.stack}>
      {request.matches.length === 0 && <p className={styles.unread}>{t("network.requests.nobody")}</p>}
      <TextInput
        label={t("network.requests.search")}
        leftSection={<IconSearch size="1.125rem" aria-hidden />}
        value={text}
        onChange={(e) => {
          setText(e.currentTarget.value);
          if (!matched.has(chosen)) onChoose("");
        }}
        autoComplete="off"
      />
      <ErrorNote error={error} />
      <Radio.Group label={t("network.requests.which")} value={chosen} onChange={onChoose}>
        <div className={dialog.reasons}>
          {request.matches.map((match) => (
            <Radio key={match.patient} value={match.patient} label={match.name} description={<Same match={match} />} />
          ))}
          {found.map((row) => (
            <Radio
              key={row.id}
              value={row.id}
              label={row.name}
              description={[row.identifier_tail, row.age_years === null ? t("time.ageUnknown") : t("time.ageYears", { y: row.age_years }), t("network.requests.byHand")].filter(Boolean).join(" · ")}
            />
          ))}
        </div>
      </Radio.Group>
      {query !== "" && data?.length === 0 && <p className={page.muted}>{t("patients.none.title")}</p>}
    </div>
  );
}

/** How sure the match is. */
function Same({ match }: { match: RequestMatch }) {
  const { t } = useTranslation();
  const parts = [
    t("network.requests.sameDocument"),
    t(match.same_name ? "network.requests.sameName" : "network.requests.otherName"),
    match.same_birth_date ? t("network.requests.sameBirth") : match.birth_date ? t("network.requests.otherBirth", { day: showDay(match.birth_date) }) : "",
  ];
  return <>{parts.filter(Boolean).join(" · ")}</>;
}
