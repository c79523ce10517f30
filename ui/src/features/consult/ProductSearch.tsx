import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ProductChoice } from "@/api";
import { queries } from "@/api/queries";
import { ProductBadges } from "@/components/ProductBadges";
import styles from "./Prescription.module.css";

/** A medicine by name; arrows choose, Enter opens it. */
export function ProductSearch({ start, focused, onChoose }: { start: string; focused: boolean; onChoose: (product: ProductChoice) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(start);
  const [at, setAt] = useState(0);
  const [query] = useDebouncedValue(text.trim(), 80);
  const { data } = useQuery({ ...queries.products(query), enabled: query.length >= 2 });
  useEffect(() => setText(start), [start]);
  useEffect(() => setAt(0), [query]);
  const hits = query.length >= 2 ? (data ?? []).slice(0, 8) : [];
  const choose = (product: ProductChoice | undefined) => {
    if (!product) return;
    setText("");
    onChoose(product);
  };
  return (
    <div className={styles.search}>
      <TextInput
        value={text}
        onChange={(e) => setText(e.currentTarget.value)}
        aria-label={t("consult.rx.search")}
        placeholder={t("consult.rx.search")}
        autoComplete="off"
        role="combobox"
        aria-expanded={hits.length > 0}
        aria-controls="product-hits"
        aria-activedescendant={hits[at] ? `product-${hits[at].key}` : undefined}
        autoFocus={focused}
        leftSection={<IconSearch size="1.125rem" aria-hidden />}
        onKeyDown={(e) => {
          if (e.key === "ArrowDown") setAt((i) => Math.min(i + 1, hits.length - 1));
          else if (e.key === "ArrowUp") setAt((i) => Math.max(i - 1, 0));
          else if (e.key === "Enter") choose(query === text.trim() ? hits[at] : undefined);
          else return;
          e.preventDefault();
        }}
      />
      {hits.length > 0 && (
        <div id="product-hits" role="listbox" aria-label={t("consult.rx.results")} className={styles.hits}>
          {hits.map((p, i) => (
            <div key={p.key} id={`product-${p.key}`} role="option" tabIndex={-1} aria-selected={i === at} className={styles.hit} onMouseMove={() => setAt(i)} onClick={() => choose(p)}>
              <strong>{p.name}</strong>
              <span className={styles.badges}>
                <ProductBadges halal={p.halal} group={p.poison_group} />
              </span>
            </div>
          ))}
        </div>
      )}
      {query.length >= 2 && data?.length === 0 && <p className={styles.none}>{t("consult.rx.notFound")}</p>}
    </div>
  );
}
