/** Sizes for fingers (44 px), one family, and the clinic's accent. Colours of state live in tokens.css. */
import { ActionIcon, Button, createTheme, Input, type MantineColorsTuple, Modal, NumberInput, Select, Tooltip } from "@mantine/core";
import type { Accent } from "@/lib/accent";

const FAMILY = '"Inter Variable", "Noto Sans", system-ui, sans-serif';

export const themeFor = (accent: Accent) =>
  createTheme({
    fontFamily: FAMILY,
    headings: { fontFamily: FAMILY, fontWeight: "650" },
    colors: { accent: accent.shades as unknown as MantineColorsTuple },
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
        vars: (_, props) =>
          (props.size ?? "md") === "md"
            ? { root: { "--button-height": "44px", "--button-fz": "14.5px", "--button-padding-x": "18px" } }
            : { root: {} },
      }),
      ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle", color: "gray", size: 44 } }),
      Input: Input.extend({
        defaultProps: { size: "md" },
        vars: (_, props) =>
          (props.size ?? "md") === "md"
            ? { wrapper: { "--input-height": "44px", "--input-size": "44px", "--input-fz": "15px", "--input-padding": "12px" } }
            : { wrapper: {} },
      }),
      InputWrapper: Input.Wrapper.extend({ defaultProps: { size: "sm" } }),
      Select: Select.extend({ defaultProps: { comboboxProps: { shadow: "md" }, allowDeselect: false } }),
      NumberInput: NumberInput.extend({ defaultProps: { hideControls: true } }),
      Modal: Modal.extend({ defaultProps: { centered: true, radius: "lg", overlayProps: { backgroundOpacity: 0.45, blur: 2 } } }),
      Tooltip: Tooltip.extend({ defaultProps: { openDelay: 400, withArrow: true } }),
    },
  });
