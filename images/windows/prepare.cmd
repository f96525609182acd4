@echo off
rem Makes this Windows an L1: Hyper-V, the hypervisor platform, the agent as a service. What went wrong is in
rem C:\nestlab\prepare.log, and on COM2, where the agent on L0 reads: a line "nestlab: prepare: ...".
setlocal
set failed=
mkdir C:\nestlab 2>nul
call :step "copying the agent" copy /y "%~dp0nestlab-agent.exe" C:\nestlab\nestlab-agent.exe
call :step "feature Microsoft-Hyper-V" call :enable Microsoft-Hyper-V
call :step "feature HypervisorPlatform" call :enable HypervisorPlatform
call :step "feature Microsoft-Hyper-V-Management-PowerShell" call :enable Microsoft-Hyper-V-Management-PowerShell
call :step "hypervisorlaunchtype" bcdedit /set hypervisorlaunchtype auto
call :step "the service" sc create nestlab-agent binPath= "C:\nestlab\nestlab-agent.exe --service --plan \\.\COM2" start= auto
if defined failed (echo nestlab: prepare: FAILED: %failed% >\\.\COM2 & exit /b 1)
echo nestlab: prepare: done >\\.\COM2
shutdown /r /t 0
exit /b 0

rem 3010: enabled after a restart
:enable
dism /online /enable-feature /featurename:%1 /all /norestart
if %errorlevel%==3010 exit /b 0
exit /b %errorlevel%

:step
echo == %~1 >>C:\nestlab\prepare.log
set what=%~1
shift
call %1 %2 %3 %4 %5 %6 %7 %8 %9 >>C:\nestlab\prepare.log 2>&1
if errorlevel 1 set failed=%failed% %what%;
exit /b 0
