// A Raspberry Pi Pico: 2 MiB of flash, of which 1408 KiB are the filesystem, as with the stock image, so that either can be
// flashed over the other and finds the settings. The USB ids stay the stock ones as well.
#define MICROPY_HW_BOARD_NAME                   "picoinfuse on Raspberry Pi Pico"
#define MICROPY_HW_FLASH_STORAGE_BYTES          (1408 * 1024)
