# A machine that does nothing but call functions: the ROM of an emulated PC, 64 KiB below 4 GiB. The other side
# (Emulator.java) reads and writes this machine's memory in the emulator's process: it writes a command and then its
# number, for which this side waits, and gets the answer in the same way.
#
#   memory  0x10000   page tables of the upper half      0x20000   this code, then the stack of exceptions
#           0x30000   IDT, TSS                           0x32000   the command
#           0x33000   the answer                         0x34000   registers of a call while others are served
#           0x40000   stack of calls, up to 0x80000
#           0x100000  page tables of the lower half, which the other side keeps
#           0x900000  where the entry of each mapped page lies
#           0x980000  which of them were written
#           0xa00000  the pages: data, and from 0x3000000 on code
#
# The upper half of the addresses shows memory as it is. A page that is not mapped is an answer, as every exception is:
# the other side maps it and resumes, or gives the call up.
#
.set ROM,     0xffff0000
.set HIGH,    0xffff800000000000
.set CODE,    0x20000
.set PML4,    0x10000
.set PDPT,    0x11000
.set PD,      0x12000
.set PDPT_LOW,0x13000
.set PD_LOW,  0x14000
.set FAULTS,  0x30000
.set IDT,     HIGH + 0x30000
.set TSS,     HIGH + 0x31000
.set COMMAND, HIGH + 0x32000
.set ANSWER,  HIGH + 0x33000
.set SAVED,   HIGH + 0x34000
.set STACK,   HIGH + 0x80000
.set ENTRIES, HIGH + 0x900000
.set TABLE,   HIGH + 0x980000

# the command
.set NUMBER,    0
.set OPERATION, 8     # 1: call, 2: go on after an exception
.set MAPPED,    16    # pages whose entries' places are in ENTRIES
.set TARGET,    24
.set INTEGERS,  32    # six
.set FLOATS,    80    # eight of eight bytes
.set STACKED,   144   # how many, then up to sixteen

# the answer
.set KIND,      8     # 0: returned, 1: an exception, 2: returned without its caller's registers
.set VECTOR,    16
.set ERROR,     24    # of an exception; MXCSR of a function that returned
.set ADDRESS,   32    # CR2
.set RIP,       40
.set DIRTY,     48

# blocks of memory, which the emulator allocates in the order in which they are touched
.set BLOCK,     0x20000
.set BLOCKS,    512
.set MARK_HIGH, 0x656e6f68
.set MARK_LOW,  0x626c0000

.text
base:
gdt:
  .quad 0
  .quad 0x00cf9b000000ffff    # 08: code, 32 bits
  .quad 0x00cf93000000ffff    # 10: data
  .quad 0x00af9b000000ffff    # 18: code, 64 bits
tss_descriptor:
  .quad 0, 0                  # 20: written where it lies in memory
gdt_end:
gdtr:
  .word gdt_end - gdt - 1
  .long gdt - base + ROM
gdtr_high:
  .word gdt_end - gdt - 1
  .quad HIGH + CODE + (gdt - base)
idtr:
  .word 32 * 16 - 1
  .quad IDT

.code32
protected:
  movw $0x10, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  cld
  movl $ROM, %esi             # the code into memory
  movl $CODE, %edi
  movl $0x4000, %ecx
  rep movsl
  movl $PML4, %edi            # five tables of nothing
  xorl %eax, %eax
  movl $5 * 1024, %ecx
  rep stosl
  movl $PDPT + 3, PML4 + 256 * 8
  movl $PD + 3, PDPT
  movl $PD, %edi              # the first GiB in pages of 2 MiB
  movl $0x83, %eax
1:
  movl %eax, (%edi)
  addl $8, %edi
  addl $0x200000, %eax
  cmpl $0x40000083, %eax
  jne 1b
  movl $PDPT_LOW + 3, PML4    # and this ROM where it is, until we have jumped
  movl $PD_LOW + 3, PDPT_LOW + 3 * 8
  movl $0xffe00083, PD_LOW + 511 * 8
  xorl %eax, %eax             # no command yet, no answer
  movl %eax, 0x32000
  movl %eax, 0x32004
  movl %eax, 0x33000
  movl %eax, 0x33004
  xorl %edi, %edi             # a mark into each block, the last one last; none where the screen and ROMs are
  xorl %ecx, %ecx
2:
  movl $MARK_LOW, %eax
  addl %ecx, %eax
  leal -5(%ecx), %edx
  cmpl $3, %edx
  jb 3f
  movl %eax, (%edi)
  movl $MARK_HIGH, 4(%edi)
3:
  addl $BLOCK, %edi
  incl %ecx
  cmpl $BLOCKS, %ecx
  jne 2b
  movl $PML4, %eax
  movl %eax, %cr3
  movl $0x40620, %eax         # PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
  movl %eax, %cr4
  movl $0xc0000080, %ecx
  rdmsr
  orl $0x900, %eax            # long mode, no-execute
  wrmsr
  movl $0x80010033, %eax      # paging, write protection for us too, native FPU errors
  movl %eax, %cr0
  ljmp $0x18, $ROM + (long_mode - base)

.code64
long_mode:
  movabsq $HIGH + CODE + (high - base), %rax
  jmp *%rax
high:
  movabsq $HIGH + FAULTS, %rsp
  lgdt gdtr_high(%rip)
  movabsq $HIGH + PML4, %rax
  movq $0, (%rax)
  movq %cr3, %rax
  movq %rax, %cr3

  movabsq $IDT, %rdi          # every vector
  leaq stubs(%rip), %rsi
  movl $32, %ecx
2:
  movw %si, (%rdi)
  movw $0x18, 2(%rdi)
  movw $0x8e01, 4(%rdi)       # interrupt gate, stack 1
  movq %rsi, %rax
  shrq $16, %rax
  movw %ax, 6(%rdi)
  shrq $16, %rax
  movl %eax, 8(%rdi)
  movl $0, 12(%rdi)
  addq $16, %rdi
  addq $16, %rsi
  decl %ecx
  jnz 2b
  lidt idtr(%rip)

  movabsq $TSS, %rdi
  xorl %eax, %eax
  movl $26, %ecx
  rep stosl
  movabsq $TSS, %rdi
  movabsq $HIGH + FAULTS, %rax
  movq %rax, 36(%rdi)         # IST1
  leaq tss_descriptor(%rip), %rbx
  movw $103, (%rbx)
  movw %di, 2(%rbx)
  movq %rdi, %rax
  shrq $16, %rax
  movb %al, 4(%rbx)
  movb $0x89, 5(%rbx)
  movb $0, 6(%rbx)
  movb %ah, 7(%rbx)
  shrq $16, %rax
  movl %eax, 8(%rbx)
  movw $0x20, %ax
  ltr %ax

  movl $0xd, %eax             # all of the state that there is and that kernels may use
  xorl %ecx, %ecx
  cpuid
  andl $0x600e7, %eax
  xorl %edx, %edx
  xorl %ecx, %ecx
  xsetbv

  xorl %r15d, %r15d           # the number of the last command

# A call's whole state but its vectors, which nothing here touches, lies in SAVED while others are served.
serve:
  movabsq $COMMAND, %rbp
1:
  cmpq NUMBER(%rbp), %r15
  je 1b
  movq NUMBER(%rbp), %r15
  movq %cr3, %rax
  movq %rax, %cr3
  cmpq $1, OPERATION(%rbp)
  jne resume

  movabsq $STACK, %rsp
  movq STACKED(%rbp), %rcx
  movq %rcx, %rax
  andq $1, %rax
  shlq $3, %rax
  subq %rax, %rsp             # a multiple of 16 where the call is made
6:
  testq %rcx, %rcx
  jz 7f
  pushq STACKED(%rbp, %rcx, 8)
  decq %rcx
  jmp 6b
7:
  pushq $0x1f80
  ldmxcsr (%rsp)
  addq $8, %rsp
  movq FLOATS(%rbp), %xmm0
  movq FLOATS + 8(%rbp), %xmm1
  movq FLOATS + 16(%rbp), %xmm2
  movq FLOATS + 24(%rbp), %xmm3
  movq FLOATS + 32(%rbp), %xmm4
  movq FLOATS + 40(%rbp), %xmm5
  movq FLOATS + 48(%rbp), %xmm6
  movq FLOATS + 56(%rbp), %xmm7
  movq INTEGERS(%rbp), %rdi
  movq INTEGERS + 8(%rbp), %rsi
  movq INTEGERS + 16(%rbp), %rdx
  movq INTEGERS + 24(%rbp), %rcx
  movq INTEGERS + 32(%rbp), %r8
  movq INTEGERS + 40(%rbp), %r9
  movq TARGET(%rbp), %r11
  movabsq $SAVED, %rax
  movq %rsp, 136(%rax)        # what the callee must keep is looked at afterwards
  movabsq $0x1111111111111111, %rbx
  movabsq $0x2222222222222222, %r12
  movabsq $0x3333333333333333, %r13
  movabsq $0x4444444444444444, %r14
  movabsq $0x5555555555555555, %r15
  movabsq $0x6666666666666666, %rbp
  call *%r11
  movabsq $0x6666666666666666, %rcx
  cmpq %rcx, %rbp
  jne broken
  movabsq $0x1111111111111111, %rcx
  cmpq %rcx, %rbx
  jne broken
  movabsq $0x2222222222222222, %rcx
  cmpq %rcx, %r12
  jne broken
  movabsq $0x3333333333333333, %rcx
  cmpq %rcx, %r13
  jne broken
  movabsq $0x4444444444444444, %rcx
  cmpq %rcx, %r14
  jne broken
  movabsq $0x5555555555555555, %rcx
  cmpq %rcx, %r15
  jne broken
  movabsq $SAVED, %rcx
  cmpq 136(%rcx), %rsp
  jne broken
  xorl %edx, %edx
  jmp returned
broken:
  movl $2, %edx               # kind 2: the function did not keep its caller's registers
returned:
  movabsq $COMMAND, %rcx
  movq (%rcx), %r15           # of the last command: it may have gone on several times
  movabsq $HIGH + FAULTS, %rsp
  movabsq $ANSWER, %rbp
  movq %rdx, KIND(%rbp)
  pushq $0
  stmxcsr (%rsp)
  popq %rax
  movq %rax, ERROR(%rbp)    # the function's MXCSR
  movq $0, VECTOR(%rbp)

  movabsq $COMMAND, %rax      # what was written
  movq MAPPED(%rax), %rbx
  movabsq $ENTRIES, %r12
  movabsq $TABLE, %r13
  xorl %r14d, %r14d
  xorl %eax, %eax
8:
  cmpq %rbx, %rax
  je 9f
  movq (%r12, %rax, 8), %rdi
  movabsq $HIGH, %rsi
  addq %rsi, %rdi
  btrq $6, (%rdi)             # the dirty bit
  jnc 10f
  movq %rax, (%r13, %r14, 8)
  incq %r14
10:
  incq %rax
  jmp 8b
9:
  movq %r14, DIRTY(%rbp)
  jmp answer

resume:
  movabsq $SAVED, %rbp
  movq (%rbp), %rax
  movq 8(%rbp), %rbx
  movq 16(%rbp), %rcx
  movq 24(%rbp), %rdx
  movq 32(%rbp), %rsi
  movq 40(%rbp), %rdi
  movq 56(%rbp), %r8
  movq 64(%rbp), %r9
  movq 72(%rbp), %r10
  movq 80(%rbp), %r11
  movq 88(%rbp), %r12
  movq 96(%rbp), %r13
  movq 104(%rbp), %r14
  movq 112(%rbp), %r15
  pushq 184(%rbp)             # SS
  pushq 176(%rbp)             # RSP
  pushq 168(%rbp)             # flags
  pushq 160(%rbp)             # CS
  pushq 152(%rbp)             # RIP
  movq 48(%rbp), %rbp
  iretq

answer:                       # the rest of it is written
  movabsq $ANSWER, %rdi
  movq %r15, NUMBER(%rdi)
  movabsq $HIGH + FAULTS, %rsp
  jmp serve

exception:                    # stack: rax, vector, error code, RIP, CS, flags, RSP, SS
  movabsq $SAVED, %rax
  movq %rbx, 8(%rax)
  movq %rcx, 16(%rax)
  movq %rdx, 24(%rax)
  movq %rsi, 32(%rax)
  movq %rdi, 40(%rax)
  movq %rbp, 48(%rax)
  movq %r8, 56(%rax)
  movq %r9, 64(%rax)
  movq %r10, 72(%rax)
  movq %r11, 80(%rax)
  movq %r12, 88(%rax)
  movq %r13, 96(%rax)
  movq %r14, 104(%rax)
  movq %r15, 112(%rax)
  movabsq $ANSWER, %rbp
  popq (%rax)
  popq VECTOR(%rbp)
  popq ERROR(%rbp)
  popq 152(%rax)
  popq 160(%rax)
  popq 168(%rax)
  popq 176(%rax)
  popq 184(%rax)
  movq $1, KIND(%rbp)
  movq 152(%rax), %rcx
  movq %rcx, RIP(%rbp)
  movq %cr2, %rcx
  movq %rcx, ADDRESS(%rbp)
  movq $0, DIRTY(%rbp)
  cld
  movabsq $COMMAND, %rcx
  movq (%rcx), %r15
  jmp answer

.balign 16
stubs:
.set vector, 0
.rept 32
  .balign 16
  .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
  .else
  pushq $0
  .endif
  pushq $vector
  pushq %rax
  jmp exception
  .set vector, vector + 1
.endr

.org 0xff00
.code16
start:
  cli
  lgdtl %cs:(gdtr - base)
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmpl $8, $ROM + (protected - base)

.org 0xfff0
  jmp start
.org 0x10000
