/** Sizes for fingers (44 px, in rem so that they grow with the text), one family, and the clinic's accent. Colours of state live in tokens.css. */
import { ActionIcon, Button, createTheme, Input, type MantineColorsTuple, Menu, Modal, NumberInput, PasswordInput, Select, Textarea, TextInput, Tooltip } from "@mantine/core";
import type { Accent } from "@/lib/accent";

const FAMILY = '"Inter Variable", "Noto Sans", system-ui, sans-serif';

/** Shade 6 is AA under white text; Mantine's own is not. */
const RED: MantineColorsTuple = ["#fdecec", "#fbd5d6", "#f4a9ac", "#ee7b80", "#e2565c", "#d43a42", "#c41c28", "#a8141f", "#8e1017", "#6f0b11"];

export const themeFor = (accent: Accent) =>
  createTheme({
    fontFamily: FAMILY,
    headings: { fontFamily: FAMILY, fontWeight: "650" },
    colors: { accent: accent.shades as unknown as MantineColorsTuple, red: RED },
    primaryColor: "accent",
    primaryShade: { light: 6, dark: 5 },
    defaultRadius: "md",
    radius: { xs: "4px", sm: "6px", md: "8px", lg: "12px", xl: "18px" },
    autoContrast: true,
    cursorType: "pointer",
    respectReducedMotion: true,
    components: {
      Button: Button.extend({
        defaultProps: { size: "md" },
        vars: (_, props) => {
          const size = String(props.size ?? "md");
          if (size === "md") return { root: { "--button-height": "2.75rem", "--button-fz": "0.90625rem", "--button-padding-x": "1.125rem" } };
          if (size === "compact-md") return { root: { "--button-fz": "0.84375rem", "--button-padding-x": "0.75rem" } };
          return { root: {} };
        },
      }),
      ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle", color: "gray", size: 44 } }),
      Input: Input.extend({
        defaultProps: { size: "md" },
        vars: (_, props) =>
          (props.size ?? "md") === "md"
            ? { wrapper: { "--input-height": "2.75rem", "--input-size": "2.75rem", "--input-fz": "0.9375rem", "--input-padding": "0.75rem" } }
            : { wrapper: {} },
      }),
      InputWrapper: Input.Wrapper.extend({
        vars: () => ({ label: { "--input-label-size": "0.84375rem" }, error: { "--input-error-size": "0.8125rem" }, description: { "--input-description-size": "0.78125rem" }, success: {} }),
      }),
      TextInput: TextInput.extend({ defaultProps: { size: "md" } }),
      PasswordInput: PasswordInput.extend({ defaultProps: { size: "md" } }),
      Textarea: Textarea.extend({ defaultProps: { size: "md" } }),
      Select: Select.extend({ defaultProps: { size: "md", comboboxProps: { shadow: "md" }, allowDeselect: false } }),
      NumberInput: NumberInput.extend({ defaultProps: { size: "md", hideControls: true } }),
      // An open menu keeps the focus that it holds, also while its button is scrolled out of sight.
      Menu: Menu.extend({ defaultProps: { returnFocus: true, hideDetached: false } }),
      Modal: Modal.extend({ defaultProps: { centered: true, radius: "lg", overlayProps: { backgroundOpacity: 0.45, blur: 2 } } }),
      Tooltip: Tooltip.extend({ defaultProps: { openDelay: 400, withArrow: true } }),
    },
  });
